"""Attaches to a session of Spark 3.5 with its own client, whose session has no public id, and calls functions as methods and as Columns."""

import os

import firesteel
import pyspark
from firesteel.functions import ai_classify, try_ai_classify
from pyspark.sql import SparkSession

assert pyspark.__version__.startswith("3.5."), pyspark.__version__
spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()
firesteel.attach(spark, roles="text")
assert spark.version == pyspark.__version__, spark.version
reviews = spark.createDataFrame([("The parcel came two weeks late.",), (None,), ("I love this bright and sharp screen!",)], "text string")
moods = reviews.ai.analyze_sentiment(input_col="text", output_col="mood", error_col="problem").collect()
assert [(r.mood, r.problem) for r in moods] == [("negative", None), (None, None), ("positive", None)], moods
topics = reviews.select(ai_classify("text", ["delivery", "screen"]).alias("topic"), try_ai_classify("text", ["a", "b"]).alias("t")).select("topic", "t.*")
assert topics.columns[:3] == ["topic", "result", "error"], topics.columns
assert [r.topic for r in topics.collect()] == ["delivery", None, "screen"], topics.collect()
print("Spark", spark.version, "is attached")
