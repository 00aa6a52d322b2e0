-- Hive tables in and out: rows of a partitioned table that are new, or whose
-- text has changed, are labelled and put into another one. Run it again
-- whenever rows came in; the model is asked for these only.
--
--   firesteel submit --conf spark.sql.catalogImplementation=hive -- examples/hive/upsert.sql

SET hive.exec.dynamic.partition.mode = nonstrict;
SET spark.sql.sources.partitionOverwriteMode = dynamic;

CREATE TABLE IF NOT EXISTS reviews (id BIGINT, text STRING) PARTITIONED BY (day STRING) STORED AS PARQUET;
CREATE TABLE IF NOT EXISTS labelled (id BIGINT, text STRING, mood STRING) PARTITIONED BY (day STRING) STORED AS PARQUET;

-- A table and not a view, which would ask the model at each use.
DROP TABLE IF EXISTS fresh;
CREATE TABLE fresh STORED AS PARQUET AS
SELECT id, text, ai_analyze_sentiment(text) AS mood, day
FROM (SELECT r.* FROM reviews r LEFT ANTI JOIN labelled l ON r.day = l.day AND r.id = l.id AND r.text <=> l.text);

-- Hive tables know no MERGE, and a table that is read cannot be overwritten:
-- the partitions that change are put together elsewhere.
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
