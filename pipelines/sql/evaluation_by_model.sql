-- How each evaluated model did on the held-out requests; what wants no workflow counts in equal_pct alone.
SELECT
    week,
    model_kind,
    model,
    evaluation_id[:8] AS evaluation,
    count(*) AS n,
    round(100 * avg(parses::INT), 1) AS parses_pct,
    round(100 * avg(valid::INT), 1) AS valid_pct,
    round(100 * avg(equal::INT), 1) AS equal_pct,
    round(median(latency_seconds), 3) AS median_seconds
FROM gold.evaluations
GROUP BY ALL
ORDER BY week DESC, model_kind, model, evaluation
