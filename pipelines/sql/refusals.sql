-- What the language refused, with one example each.
SELECT problem_code, count(*) AS records, min(problem) AS example
FROM silver.workflows
WHERE problem_code IS NOT NULL
GROUP BY problem_code
ORDER BY records DESC, problem_code
