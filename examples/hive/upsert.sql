-- Labels rows of a partitioned Hive table and writes them to another one. Each run
-- labels only rows that are new or whose text has changed, and calls the model
-- only for these.
--
--   firesteel submit --conf spark.sql.catalogImplementation=hive -- examples/hive/upsert.sql

SET hive.exec.dynamic.partition.mode = nonstrict;
SET spark.sql.sources.partitionOverwriteMode = dynamic;

CREATE TABLE IF NOT EXISTS reviews (id BIGINT, text STRING) PARTITIONED BY (day STRING) STORED AS PARQUET;
CREATE TABLE IF NOT EXISTS labelled (id BIGINT, text STRING, mood STRING) PARTITIONED BY (day STRING) STORED AS PARQUET;

-- A table, because a view would call the model at each use.
DROP TABLE IF EXISTS fresh;
CREATE TABLE fresh STORED AS PARQUET AS
SELECT id, text, ai_analyze_sentiment(text) AS mood, day
FROM (SELECT r.* FROM reviews r LEFT ANTI JOIN labelled l ON r.day = l.day AND r.id = l.id AND r.text <=> l.text);

-- Hive tables do not support MERGE, and a statement cannot overwrite a table that it
-- reads, so the changed partitions are first written to another table.
DROP TABLE IF EXISTS merged;
CREATE TABLE merged STORED AS PARQUET AS
SELECT id, text, mood, day FROM fresh
UNION ALL
SELECT l.id, l.text, l.mood, l.day FROM labelled l
LEFT SEMI JOIN fresh f ON l.day = f.day
LEFT ANTI JOIN fresh g ON l.day = g.day AND l.id = g.id;

INSERT OVERWRITE TABLE labelled PARTITION (day) SELECT id, text, mood, day FROM merged;

DROP TABLE merged;
DROP TABLE fresh;
