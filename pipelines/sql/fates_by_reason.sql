-- Where the records of each week ended, and why.
SELECT week, kind, fate, reason, count(*) AS records, count(DISTINCT shop_id) AS shops
FROM gold.fates
GROUP BY ALL
ORDER BY week DESC, kind DESC, records DESC, fate, reason
