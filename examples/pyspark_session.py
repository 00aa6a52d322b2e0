"""AI functions and Python functions in one PySpark session.

    SPARK_REMOTE=sc://localhost:15002 python pyspark_session.py

It needs a PySpark client (pip install pyspark-client), the firesteel command,
and, as always for Python functions, a Python with PySpark on Spark's executors.
"""

import os
import subprocess

from pyspark.errors import PythonException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

remote = os.environ["SPARK_REMOTE"]
spark = SparkSession.builder.remote(remote).getOrCreate()


@F.udf("int")
def letters(text):
    return sum(c.isalpha() for c in text)


@F.udf("int")
def first_digit(text):
    return int(text[0])


reviews = spark.createDataFrame(
    [(1, "The parcel came two weeks late."), (2, "I love this bright and sharp screen!")],
    "id int, text string",
)
print("before:", [r.n for r in reviews.select(letters("text").alias("n")).collect()])

# Add the AI functions to the session. In a notebook: !firesteel attach "sc://..."
address, _, parameters = remote.partition("/;")
session = f"{address.rstrip('/')}/;session_id={spark.session_id};user_id={spark.client._user_id or ''}"
if parameters:
    session += f";{parameters}"
subprocess.run(
    [os.environ.get("FIRESTEEL", "firesteel"), "attach"],
    # In the environment, because other users can read a token on a command line.
    env={**os.environ, "SPARK_REMOTE": session},
    check=True,
)

both = reviews.select(
    "id",
    F.call_function("ai_analyze_sentiment", F.col("text")).alias("mood"),
    letters("text").alias("n"),
).orderBy("id")
for row in both.collect():
    print(row.id, row.mood, row.n)

# A Python function of an AI function, and the reverse.
print("letters of a mood:", [r.n for r in both.select(letters("mood").alias("n")).collect()])
upper = F.udf(lambda text: text.upper(), "string")
print("a mood of capitals:", [r.m for r in reviews.orderBy("id").select(
    F.call_function("ai_analyze_sentiment", upper("text")).alias("m")).collect()])

# Errors of Python functions arrive unchanged.
try:
    reviews.select(first_digit("text")).collect()
except PythonException as e:
    print("an error:", [line for line in str(e).splitlines() if "ValueError" in line][0].strip())
print("after:", [r.n for r in reviews.select(letters("text").alias("n")).collect()])
