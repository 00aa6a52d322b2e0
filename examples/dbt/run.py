"""Runs dbt in a session of Spark Connect to which firesteel has added its functions.

    pip install dbt-core dbt-spark pyspark-client firesteel-*.whl
    SPARK_REMOTE=sc://localhost:15002 python run.py build
"""

import os
import sys

import firesteel
from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession

spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()
firesteel.attach(spark)
# dbt-spark asks PySpark for a session with Hive support. In Spark Connect this is a setting of the server, and PySpark's
# client refuses to be asked.
type(SparkSession.builder).enableHiveSupport = lambda builder: builder
result = dbtRunner().invoke(sys.argv[1:] or ["build"])
sys.exit(0 if result.success else 1)
