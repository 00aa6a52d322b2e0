# Runs a query with a pandas UDF for each line of standard input.
import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf

python, statement = sys.argv[1:]
spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()
spark.conf.set("spark.sql.execution.pyspark.python", python)


@pandas_udf("string")
def pandas_echo(s):
    return s


# The annotation is set by hand: "import pandas" would tie this file to a type
# checker's view of it.
spark.udf.register("pandas_echo", pandas_echo)
for _ in sys.stdin:
    print(spark.sql(statement).collect()[0][0], flush=True)
