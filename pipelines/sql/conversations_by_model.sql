-- What each model's conversations came to: proposed, turned on (of those of which it is known), routed, rated.
SELECT
    fates.week,
    conversations.arm,
    conversations.model,
    count(*) AS conversations,
    count(*) FILTER (conversations.python <> '') AS proposed,
    round(100 * avg(conversations.activated::INT) FILTER (conversations.python <> ''), 1) AS activated_pct,
    count(*) FILTER (fates.fate = 'training') AS training,
    count(*) FILTER (fates.fate = 'quarantine') AS quarantined,
    count(*) FILTER (fates.fate = 'rejected') AS rejected,
    count(*) FILTER (conversations.rating = 'up') AS up,
    count(*) FILTER (conversations.rating = 'down') AS down
FROM gold.fates AS fates
JOIN silver.conversations AS conversations USING (record_id)
WHERE fates.kind = 'conversation'
GROUP BY 1, 2, 3
ORDER BY fates.week DESC, conversations.arm, conversations DESC, conversations.model
