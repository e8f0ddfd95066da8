-- What the loop brought home, by trigger and kind of request: how it was routed and what the judge thought.
WITH judged AS (
    SELECT
        fates.record_id,
        max(score) FILTER (facet = 'syntax') AS syntax,
        max(score) FILTER (facet = 'components') AS components,
        max(score) FILTER (facet = 'appropriateness') AS appropriateness,
        max(score) FILTER (facet = 'next_steps') AS next_steps
    FROM gold.fates AS fates
    JOIN silver.judgments AS judgments
        ON judgments.record_id = fates.record_id
        AND ends_with(fates.policy_version, 'judge=' || judgments.judge_version)
    WHERE fates.kind = 'conversation'
    GROUP BY fates.record_id
)
SELECT
    coalesce(nullif(conversations.trigger, ''), '(no workflow)') AS trigger,
    conversations.request_kind,
    count(*) AS conversations,
    count(*) FILTER (fates.fate = 'training') AS training,
    count(*) FILTER (fates.fate = 'quarantine') AS quarantined,
    round(100 * avg(conversations.activated::INT), 1) AS activated_pct,
    round(avg(syntax), 2) AS syntax,
    round(avg(components), 2) AS components,
    round(avg(appropriateness), 2) AS appropriateness,
    round(avg(next_steps), 2) AS next_steps
FROM gold.fates AS fates
JOIN silver.conversations AS conversations USING (record_id)
LEFT JOIN judged USING (record_id)
WHERE fates.kind = 'conversation'
GROUP BY 1, 2
ORDER BY conversations DESC, 1, 2
LIMIT 25
