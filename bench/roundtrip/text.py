"""Writes and reads CSV and JSON lines with other programs, for bench/roundtrip.

    text.py write PROGRAM FOLDER FORMAT    writes FOLDER/PROGRAM-TYPE.FORMAT, csv or
                                           jsonl, and prints the types that the
                                           program cannot write
    text.py read PROGRAM                   reads paths from standard input, one per
                                           line, and prints each file's content as JSON

A file has the columns i, the number of the row, and c. Programs write with their
default settings and a header.
"""
import datetime as dt, decimal, glob, json, math, os, shutil, sys

D = decimal.Decimal

TEXTS = ["a", None, "", "x,y;z|w", 'say "hi", ok', "back\\slash", 'q"b\\c', "line\nbreak", "tab\t", "'single'", "=1+1", "NULL", "ä€😀", "007"]

# The values of each type, in Python and in Spark's SQL.
TYPES = {
    "bool": ([True, None, False], "BOOLEAN"), "int32": ([-2147483648, None, 2147483647], "INT"),
    "int64": ([-9223372036854775807, None, 9223372036854775807, 9007199254740993], "BIGINT"),
    "float64": ([0.1, None, 1.0, -0.0, 1e300, 5e-324, 1e21, 1e-7, 123456789.125], "DOUBLE"),
    "float64_special": ([1.5, None, math.nan, math.inf, -math.inf], "DOUBLE"),
    "decimal10_2": ([D("1.10"), None, D("-99999999.99"), D("0.00")], "DECIMAL(10,2)"),
    "decimal38_10": ([D("1234567890123456789012345678.0000000001"), None], "DECIMAL(38,10)"), "decimal38_0": ([D("12345678901234567890123456789012345678"), None], "DECIMAL(38,0)"),
    "date": ([dt.date(2026, 1, 31), None, dt.date(1900, 2, 28)], "DATE"), "timestamp": ([dt.datetime(2026, 1, 31, 12, 30, 45, 123456), None], "TIMESTAMP_NTZ"),
    "string": (TEXTS, "STRING"), "list": ([[1, None], None, []], "ARRAY<INT>"), "list_float": ([[1.0, 2.5], None], "ARRAY<DOUBLE>"),
    "struct": ([{"a": 1, "b": "x"}, None, {"a": None, "b": 'y"'}], "STRUCT<a: INT, b: STRING>"),
}


def polars_frame(kind):
    import polars as pl
    values, t = TYPES[kind]
    types = {"BOOLEAN": pl.Boolean, "INT": pl.Int32, "BIGINT": pl.Int64, "DOUBLE": pl.Float64, "DECIMAL(10,2)": pl.Decimal(10, 2), "DECIMAL(38,10)": pl.Decimal(38, 10),
             "DECIMAL(38,0)": pl.Decimal(38, 0), "DATE": pl.Date, "TIMESTAMP_NTZ": pl.Datetime("us"), "STRING": pl.String, "ARRAY<INT>": pl.List(pl.Int32),
             "ARRAY<DOUBLE>": pl.List(pl.Float64), "STRUCT<a: INT, b: STRING>": pl.Struct({"a": pl.Int32, "b": pl.String})}
    return pl.DataFrame({"i": list(range(len(values))), "c": pl.Series(values, dtype=types[t])})


def write_pyarrow(kind, path):
    from pyarrow import csv
    if path.endswith(".jsonl"):
        raise ValueError("pyarrow cannot write JSON")
    csv.write_csv(polars_frame(kind).to_arrow(), path)


def write_duckdb(kind, path):
    import duckdb
    frame = polars_frame(kind).to_arrow()
    options = "(FORMAT csv, HEADER)" if path.endswith(".csv") else "(FORMAT json)"
    duckdb.sql("COPY (SELECT * FROM frame) TO '%s' %s" % (path, options))


def write_polars(kind, path):
    frame = polars_frame(kind)
    frame.write_csv(path) if path.endswith(".csv") else frame.write_ndjson(path)


def spark_session():
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
             .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").config("spark.ui.showConsoleProgress", "false").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    return spark


def write_spark(kind, path):
    values, t = TYPES[kind]
    frame = spark_session().createDataFrame([(i, v) for i, v in enumerate(values)], "i INT, c " + t).coalesce(1)
    if path.endswith(".csv"):
        frame.write.mode("overwrite").csv(path + ".d", header=True)
    else:
        frame.write.mode("overwrite").json(path + ".d")
    part, = glob.glob(path + ".d/part-*")
    os.replace(part, path)
    shutil.rmtree(path + ".d")


def escape_of(path):
    """The escape character of a quote: a backslash in Spark's files, a quote in all others."""
    name, folder = os.path.basename(path), os.path.basename(os.path.dirname(path))
    return "\\" if name.startswith("spark") and name.endswith("-string.csv") and folder not in ("unchanged", "extended") else '"'


def columns(names, values, types):
    return {"columns": {n: [repr(v) for v in values(n)] for n in names}, "types": {n: types(n) for n in names}}


def read_pyarrow(path):
    from pyarrow import csv, json as pj
    if path.endswith(".jsonl"):
        t = pj.read_json(path)
    else:
        if escape_of(path) != '"':
            raise ValueError("pyarrow also interprets the escape character outside of quotes")
        options = csv.ParseOptions(newlines_in_values=True)
        names = csv.read_csv(path, parse_options=options).column_names
        t = csv.read_csv(path, parse_options=options, convert_options=csv.ConvertOptions(
            strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""], column_types={n: "string" for n in names}))
    return columns(t.column_names, lambda n: t[n].to_pylist(), lambda n: str(t.schema.field(n).type))


def read_duckdb(path):
    import duckdb
    if path.endswith(".jsonl"):
        t = duckdb.sql("SELECT * FROM read_json('%s', format = 'newline_delimited')" % path)
    else:
        t = duckdb.sql("SELECT * FROM read_csv('%s', header = true, delim = ',', quote = '\"', escape = '%s', all_varchar = true)" % (path, escape_of(path)))
    rows = t.fetchall()
    return columns(t.columns, lambda n: [r[t.columns.index(n)] for r in rows], lambda n: str(t.types[t.columns.index(n)]))


def read_polars(path):
    import polars as pl
    if path.endswith(".jsonl"):
        t = pl.read_ndjson(path, infer_schema_length=None)
    elif escape_of(path) != '"':
        raise ValueError("polars does not support an escape character")
    else:
        t = pl.read_csv(path, infer_schema=False)
    return columns(t.columns, lambda n: t[n].to_list(), lambda n: str(t.schema[n]))


def read_spark(path):
    spark = spark_session()
    t = spark.read.json(path) if path.endswith(".jsonl") else spark.read.csv(path, header=True, multiLine=True, escape=escape_of(path), inferSchema=False)
    rows = t.collect()
    return columns(t.columns, lambda n: [r[n] for r in rows], lambda n: t.schema[n].dataType.simpleString())


def as_json(path):
    """The rows, with numbers as they are written and null for missing members."""
    if path.endswith(".csv"):
        raise ValueError("CSV is compared by the programs' readings")
    def not_json(name):
        raise ValueError(name + " is not JSON; the other readers compare it")
    rows = [json.loads(line, parse_float=str, parse_int=str, parse_constant=not_json) for line in open(path) if line.strip()]
    names = list(dict.fromkeys(n for r in rows for n in r))
    return [{n: r.get(n) for n in names} for r in rows]


WRITE = {"pyarrow": write_pyarrow, "duckdb": write_duckdb, "polars": write_polars, "spark35": write_spark, "spark43": write_spark}
READ = {"pyarrow": read_pyarrow, "duckdb": read_duckdb, "polars": read_polars, "spark35": read_spark, "spark43": read_spark, "json": as_json}


def first_line(e):
    return str(e).strip().split("\n")[0][:200]


def main():
    what, program = sys.argv[1:3]
    if what == "write":
        for kind in TYPES:
            path = os.path.abspath(os.path.join(sys.argv[3], program + "-" + kind + "." + sys.argv[4]))
            try:
                WRITE[program](kind, path)
            except Exception as e:
                if os.path.exists(path):
                    os.remove(path)
                shutil.rmtree(path + ".d", ignore_errors=True)
                print(json.dumps({"type": kind, "error": first_line(e)}))
        return
    for line in sys.stdin:
        try:
            print(json.dumps({"path": line.strip(), "content": READ[program](line.strip())}), flush=True)
        except Exception as e:
            print(json.dumps({"path": line.strip(), "error": first_line(e)}), flush=True)


if __name__ == "__main__":
    main()
