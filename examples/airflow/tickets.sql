-- The rows of a day replace those of the same day, so that the task can be run again.
SET spark.sql.sources.partitionOverwriteMode = dynamic;
CREATE TABLE IF NOT EXISTS summaries (id BIGINT, topic STRING, summary STRING, day STRING) USING parquet PARTITIONED BY (day);
INSERT OVERWRITE summaries
  SELECT id, topic, ai_summarize(safe), :day
  FROM IDENTIFIER('parquet.`' || :folder || '`');
SELECT topic, count(*) AS tickets FROM summaries WHERE day = :day GROUP BY topic ORDER BY topic;
