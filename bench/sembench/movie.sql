-- The ten queries of SemBench's movie scenario (arXiv 2511.01716), over the tables
-- reviews and movies. Each query follows a comment with its name.

-- Q1: five clearly positive reviews
SELECT reviewId FROM reviews WHERE ai_analyze_sentiment(reviewText) = 'positive' LIMIT 5;

-- Q2: five positive reviews of one movie
SELECT reviewId FROM reviews WHERE id = 'taken_3' AND ai_analyze_sentiment(reviewText) = 'positive' LIMIT 5;

-- Q3: the number of positive reviews of one movie
SELECT count_if(ai_analyze_sentiment(reviewText) = 'positive') AS answer FROM reviews WHERE id = 'taken_3';

-- Q4: the share of positive reviews of one movie
SELECT avg(CAST(ai_analyze_sentiment(reviewText) = 'positive' AS INT)) AS answer FROM reviews WHERE id = 'taken_3';

-- Q5: ten pairs of reviews with the same sentiment
WITH s AS (SELECT reviewId, ai_analyze_sentiment(reviewText) AS mood FROM reviews WHERE id = 'ant_man_and_the_wasp_quantumania')
SELECT a.reviewId AS first, b.reviewId AS second FROM s AS a JOIN s AS b ON a.mood = b.mood AND a.reviewId < b.reviewId
WHERE a.mood IN ('positive', 'negative') LIMIT 10;

-- Q6: ten pairs of reviews with opposite sentiments
WITH s AS (SELECT reviewId, ai_analyze_sentiment(reviewText) AS mood FROM reviews WHERE id = 'ant_man_and_the_wasp_quantumania')
SELECT a.reviewId AS first, b.reviewId AS second FROM s AS a JOIN s AS b ON a.mood = 'positive' AND b.mood = 'negative' LIMIT 10;

-- Q7: all pairs of reviews with opposite sentiments
WITH s AS (SELECT reviewId, ai_analyze_sentiment(reviewText) AS mood FROM reviews WHERE id = 'ant_man_and_the_wasp_quantumania')
SELECT a.reviewId AS first, b.reviewId AS second FROM s AS a JOIN s AS b ON a.mood = 'positive' AND b.mood = 'negative';

-- Q8: the reviews of one movie, counted by sentiment
SELECT if(ai_analyze_sentiment(reviewText) = 'positive', 'POSITIVE', 'NEGATIVE') AS sentiment, count(*) AS n
FROM reviews WHERE id = 'taken_3' GROUP BY ALL;

-- Q9: how much each reviewer liked one movie
SELECT reviewId, ai_score(reviewText, 'how satisfied the reviewer is with the movie') AS score
FROM reviews WHERE id = 'ant_man_and_the_wasp_quantumania';

-- Q10: how much the reviewers of each movie liked it on average
SELECT id, avg(ai_score(reviewText, 'how satisfied the reviewer is with the movie')) AS score FROM reviews GROUP BY id;
