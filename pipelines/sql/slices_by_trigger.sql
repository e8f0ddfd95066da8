-- For each trigger of the newest week: how many records came, how many train, and how many shapes they have.
SELECT
    workflows.trigger,
    count(*) AS records,
    count(*) FILTER (fates.fate = 'training') AS training,
    round(100 * count(*) FILTER (fates.fate = 'training') / count(*), 1) AS training_pct,
    count(DISTINCT workflows.descriptor) AS descriptors
FROM gold.fates AS fates
JOIN silver.workflows AS workflows USING (record_id)
WHERE fates.week = (SELECT max(week) FROM gold.fates) AND workflows.trigger <> ''
GROUP BY workflows.trigger
ORDER BY records DESC, workflows.trigger
LIMIT 15
