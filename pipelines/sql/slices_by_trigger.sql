-- For each trigger of the newest week: how many workflows came, how many train, and how many shapes they have.
WITH curated AS (
    SELECT * FROM gold.fates WHERE kind = 'workflow'
)
SELECT
    workflows.trigger,
    count(*) AS records,
    count(*) FILTER (fates.fate = 'training') AS training,
    round(100 * count(*) FILTER (fates.fate = 'training') / count(*), 1) AS training_pct,
    count(DISTINCT workflows.descriptor) AS descriptors
FROM curated AS fates
JOIN silver.workflows AS workflows USING (record_id)
WHERE fates.week = (SELECT max(week) FROM curated) AND workflows.trigger <> ''
GROUP BY workflows.trigger
ORDER BY records DESC, workflows.trigger
LIMIT 15
