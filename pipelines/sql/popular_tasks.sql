-- The tasks that the newest week's training pool of workflows uses most.
WITH curated AS (
    SELECT * FROM gold.fates WHERE kind = 'workflow'
),
pool AS (
    SELECT record_id, shop_id, num_runs_7d
    FROM curated
    WHERE fate = 'training' AND week = (SELECT max(week) FROM curated)
)
SELECT task, count(*) AS workflows, count(DISTINCT shop_id) AS shops, sum(num_runs_7d)::BIGINT AS runs_7d
FROM pool
JOIN (SELECT record_id, unnest(tasks) AS task FROM silver.workflows) AS used USING (record_id)
GROUP BY task
ORDER BY workflows DESC, task
LIMIT 15
