# A PySpark session whose queries have a ledger and a budget of 20 rows.
import os
import subprocess
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

ledger, model = sys.argv[1:]
remote = os.environ["SPARK_REMOTE"]
spark = SparkSession.builder.remote(remote).getOrCreate()
spark.range(1).collect()  # opens the session on the server
address, _, parameters = remote.partition("/;")
session = f"{address.rstrip('/')}/;session_id={spark.session_id};user_id={spark.client._user_id or ''};{parameters}"
subprocess.run(
    [os.environ["FIRESTEEL"], "attach", "--ledger", ledger, "--max-rows", "20", "--model", model, "--roles", "text"],
    env={**os.environ, "SPARK_REMOTE": session},
    check=True,
)
length = F.udf(lambda text: len(text or ""), "int")
answer = F.call_function("ai_gen", F.concat(F.lit("number p"), F.col("id"), F.lit(".")))
rows = spark.range(0, 60, 1, 4).select(answer.alias("answer"))
for _ in range(2):
    print("letters:", rows.agg(F.sum(length("answer"))).collect()[0][0])
    for u in spark.table("ai_usage").collect():
        print("usage:", u.function, u.rows, u.asked, u.from_ledger, u.skipped)
