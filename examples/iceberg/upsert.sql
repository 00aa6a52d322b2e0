-- Labels rows of a partitioned Iceberg table and merges them into another one. Each
-- run labels only rows that are new or whose text has changed, and calls the model
-- only for these.
--
--   firesteel submit --packages org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0 \
--     --conf spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions \
--     --conf spark.sql.catalog.lake=org.apache.iceberg.spark.SparkCatalog \
--     --conf spark.sql.catalog.lake.type=hadoop --conf spark.sql.catalog.lake.warehouse=/data/lake \
--     -- examples/iceberg/upsert.sql

CREATE NAMESPACE IF NOT EXISTS lake.shop;
CREATE TABLE IF NOT EXISTS lake.shop.reviews (id BIGINT, text STRING, day STRING) USING iceberg PARTITIONED BY (day);

-- The first run labels all rows.
CREATE TABLE IF NOT EXISTS lake.shop.labelled USING iceberg PARTITIONED BY (day) AS
SELECT id, text, ai_analyze_sentiment(text) AS mood, day FROM lake.shop.reviews;

-- Later runs label new and changed rows.
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
