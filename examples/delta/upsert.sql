-- Labels rows of a partitioned Delta table and merges them into another one. Each
-- run labels only rows that are new or whose text has changed, and calls the model
-- only for these.
--
--   firesteel submit --packages io.delta:delta-spark_4.2_2.13:4.4.0 \
--     --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
--     --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
--     -- examples/delta/upsert.sql

CREATE TABLE IF NOT EXISTS reviews (id BIGINT, text STRING, day STRING) USING delta PARTITIONED BY (day);

-- The first run labels all rows.
CREATE TABLE IF NOT EXISTS labelled USING delta PARTITIONED BY (day) AS
SELECT id, text, ai_analyze_sentiment(text) AS mood, day FROM reviews;

-- Later runs label new and changed rows.
MERGE INTO labelled l
USING (
  SELECT id, text, ai_analyze_sentiment(text) AS mood, day
  FROM (SELECT r.* FROM reviews r LEFT ANTI JOIN labelled o ON r.day = o.day AND r.id = o.id AND r.text <=> o.text)
) f
ON l.day = f.day AND l.id = f.id
WHEN MATCHED THEN UPDATE SET text = f.text, mood = f.mood
WHEN NOT MATCHED THEN INSERT (id, text, mood, day) VALUES (f.id, f.text, f.mood, f.day);
