-- Records that were no record at all, with one example each.
SELECT problem_code, count(*) AS records, min(problem) AS example
FROM bronze.workflows
WHERE problem_code IS NOT NULL
GROUP BY problem_code
ORDER BY records DESC, problem_code
