-- Iceberg tables in and out: rows of a partitioned table that are new, or whose
-- text has changed, are labelled and merged into another one. Run it again
-- whenever rows came in; the model is asked for these only.
--
--   firesteel submit --packages org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0 \
--     --conf spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions \
--     --conf spark.sql.catalog.lake=org.apache.iceberg.spark.SparkCatalog \
--     --conf spark.sql.catalog.lake.type=hadoop --conf spark.sql.catalog.lake.warehouse=/data/lake \
--     -- examples/iceberg/upsert.sql

CREATE NAMESPACE IF NOT EXISTS lake.shop;
CREATE TABLE IF NOT EXISTS lake.shop.reviews (id BIGINT, text STRING, day STRING) USING iceberg PARTITIONED BY (day);

-- The first time, all that is there.
CREATE TABLE IF NOT EXISTS lake.shop.labelled USING iceberg PARTITIONED BY (day) AS
SELECT id, text, ai_analyze_sentiment(text) AS mood, day FROM lake.shop.reviews;

-- From then on, what has come since.
MERGE INTO lake.shop.labelled l
USING (
  SELECT id, text, ai_analyze_sentiment(text) AS mood, day
  FROM (
    SELECT r.* FROM lake.shop.reviews r
    LEFT ANTI JOIN lake.shop.labelled o ON r.day = o.day AND r.id = o.id AND r.text <=> o.text
  )
) f
ON l.day = f.day AND l.id = f.id
WHEN MATCHED THEN UPDATE SET text = f.text, mood = f.mood
WHEN NOT MATCHED THEN INSERT (id, text, mood, day) VALUES (f.id, f.text, f.mood, f.day);
