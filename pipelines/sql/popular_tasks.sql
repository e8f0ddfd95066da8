-- The tasks that the newest week's training pool uses most.
WITH pool AS (
    SELECT fates.record_id, fates.shop_id, fates.num_runs_7d
    FROM gold.fates AS fates
    WHERE fates.fate = 'training' AND fates.week = (SELECT max(week) FROM gold.fates)
)
SELECT task, count(*) AS workflows, count(DISTINCT shop_id) AS shops, sum(num_runs_7d)::BIGINT AS runs_7d
FROM pool
JOIN (SELECT record_id, unnest(tasks) AS task FROM silver.workflows) AS used USING (record_id)
GROUP BY task
ORDER BY workflows DESC, task
LIMIT 15
