-- Where the records of each week ended, and why.
SELECT week, fate, reason, count(*) AS records, count(DISTINCT shop_id) AS shops
FROM gold.fates
GROUP BY ALL
ORDER BY week DESC, records DESC, fate, reason
