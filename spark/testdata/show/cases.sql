-- reviews 20 0 false
SELECT * FROM VALUES (1L, 'It is a good test for Spark.', 'positive'), (2L, 'Spark DataFrames are powerful.', 'positive'), (3L, 'LLMs could be very slow.', 'negative'), (4L, 'It is a naive statement.', 'negative') AS t(id, sentence, output_column)
-- truncated 2 20 false
SELECT * FROM VALUES (1, 'a sentence of more than twenty characters'), (2, NULL), (3, 'left out') AS t(n, text)
-- empty 20 20 false
SELECT id, 'x' AS name FROM range(0)
-- wide 20 0 false
SELECT * FROM VALUES ('日本語', 'é'), ('ab', 'a\tb\nc') AS t(han, `odd name`)
-- types 20 0 false
SELECT true AS b, 1.50BD AS d, 2.5D AS x, CAST('NaN' AS DOUBLE) AS nan, DATE'2024-02-29' AS day, TIMESTAMP_NTZ'2024-02-29 12:34:56.5' AS t, array(1, NULL, 3) AS a, map('k', 1) AS m, named_struct('x', 1, 'y', 'z') AS s, X'00FF' AS bin
-- vertical 20 0 true
SELECT id, concat('row ', id) AS text FROM range(2)
