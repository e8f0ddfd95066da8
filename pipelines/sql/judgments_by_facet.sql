-- What each judge thought of each facet; scores of two judges are never averaged together.
SELECT
    judge_version,
    facet,
    count(*) AS judged,
    count(score) AS scored,
    round(avg(score), 3) AS mean,
    count(*) FILTER (score < 1) AS below_1,
    min(detail) FILTER (score < 1) AS example
FROM silver.judgments
GROUP BY judge_version, facet
ORDER BY judge_version, facet
