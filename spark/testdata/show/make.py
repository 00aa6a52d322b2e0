# Makes the .txt files beside it: what PySpark's DataFrame.show prints for the
# statements of cases.sql. Each case is "-- name n truncate vertical" and a
# statement. They were made with PySpark 4.3.0 on Spark 4.3.0:
#
#     python make.py sc://localhost:15002
import contextlib, io, pathlib, sys
from pyspark.sql import SparkSession

here = pathlib.Path(__file__).parent
spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
for case in (here / "cases.sql").read_text().split("-- ")[1:]:
    head, statement = case.split("\n", 1)
    name, n, truncate, vertical = head.split()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        spark.sql(statement).show(int(n), int(truncate), vertical == "true")
    (here / (name + ".txt")).write_text(out.getvalue())
