"""Checks that firesteel.run changes no value of a frame, and what it says about mistakes."""

import datetime
import decimal
import warnings

import duckdb
import firesteel
import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa

ADD = {"n": "length(text)", "u": "upper(cat)"}


def refused(kind, text, frame, *args, **options):
    try:
        firesteel.run(frame, *args, **options)
    except kind as e:
        assert text in str(e), f"{e!s} does not say {text!r}"
        return e
    raise AssertionError(f"there is no error {text!r}")


# pandas: index, dtypes, categories, NaN, zones, objects, and a label that is no text.
zone = pd.to_datetime(["2024-10-27T00:30Z", None, "2024-10-27T01:30Z"]).tz_convert("Europe/Berlin")
frame = pd.DataFrame(
    {
        "text": ["a", None, "ccc"],
        "cat": pd.Categorical(["x", "y", "x"], categories=["y", "x", "z"], ordered=True),
        "objects": [1, "z", {"a": {1, 2}}],
        "floats": np.array([1.5, np.nan, -0.0], dtype="float32"),
        "zone": zone,
        "nullable": pd.array([2**62 + 1, None, 3], dtype="Int64"),
        "texts": pd.array(["q", None, "r"], dtype="string"),
        "delta": pd.to_timedelta([1, None, 3], unit="ns"),
        3: [1, 2, 3],
    },
    index=pd.MultiIndex.from_tuples([("k", 7), ("k", 7), ("l", 9)], names=["a", "b"]),
)
before = frame.copy(deep=True)
out = firesteel.run(frame, add=ADD)
pd.testing.assert_frame_equal(frame, before)
pd.testing.assert_frame_equal(out[list(before.columns)], before)
assert str(out["n"].dtype) == "Int32" and list(out["u"]) == ["X", "Y", "X"], out
kept = firesteel.run(frame, add=ADD, where="nullable > 3")
pd.testing.assert_frame_equal(kept[list(before.columns)], before.iloc[:1])
assert len(firesteel.run(frame, add=ADD, limit=2)) == 2
empty = firesteel.run(frame.iloc[:0], add=ADD)
assert list(empty.columns) == [*before.columns, "n", "u"] and len(empty) == 0
pd.testing.assert_frame_equal(empty[list(before.columns)], before.iloc[:0])
assert list(firesteel.run(pd.DataFrame(index=["a", "b"]), add={"n": "length('abc')"})["n"]) == [3, 3]
assert list(firesteel.run(pd.DataFrame(), add={"n": "length('abc')"}).columns) == ["n"]

# Mistakes, with the text of the program.
e = refused(firesteel.UsageError, 'there is no column "txt"; did you mean text?', frame, {"n": "length(txt)"})
assert e.exit_code == 2 and isinstance(e, ValueError)
refused(firesteel.UsageError, "the column text exists already", frame, {"text": "length(cat)"})
refused(firesteel.UsageError, "there is nothing to do", frame)
refused(firesteel.UsageError, "unknown flag: --colour", frame, ADD, colour="red")
refused(firesteel.FiresteelError, "the file", frame, {"n": "ai_gen(text)"}, model="./nosuch")
refused(firesteel.FiresteelError, "'objects' of the frame has values that Arrow cannot store", frame, {"n": "length(objects)"})
refused(TypeError, "call .collect()", pl.LazyFrame({"text": ["a"]}), ADD)
refused(TypeError, "not a builtins.list", [1], ADD)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    out = firesteel.run(pd.DataFrame({"text": ["It is bad.", "It is good."]}), add={"m": "ai_analyze_sentiment(text)"}, max_rows=0, no_ledger=True)
assert list(out["m"]) == [None, None] and [w.category for w in caught] == [firesteel.IncompleteWarning], (out, caught)

# Polars: categories, enums, nested values, decimals, zones.
frame = pl.DataFrame(
    {
        "text": ["a", None, "ccc"],
        "cat": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
        "enum": pl.Series(["m", None, "n"], dtype=pl.Enum(["n", "m"])),
        "list": [[1.5, None, float("nan")], [], None],
        "struct": [{"a": 1, "b": ["x"]}, None, {"a": None, "b": []}],
        "price": pl.Series([decimal.Decimal("1.25"), None, decimal.Decimal("-3.00")], dtype=pl.Decimal(20, 2)),
        "at": pl.Series([datetime.datetime(2024, 3, 31, 12), None, None], dtype=pl.Datetime("ns", "Asia/Tokyo")),
        "object": pl.Series([{1}, {2}, {3}], dtype=pl.Object),
    }
)
out = firesteel.run(frame, add=ADD)
polars.testing.assert_frame_equal(out.drop("n", "u", "object"), frame.drop("object"))
assert out["object"].to_list() == frame["object"].to_list() and out["u"].to_list() == ["X", "Y", "X"]
out = firesteel.run(frame.drop("object"), add=ADD, where="price < 0")
polars.testing.assert_frame_equal(out.drop("n", "u"), frame.drop("object")[2:])

# pyarrow: types that have no form in SQL, and metadata.
table = pa.table(
    {
        "text": pa.array(["a", None, "ccc"], pa.large_string()),
        "cat": pa.array(["x", "y", "x"]).dictionary_encode(),
        "view": pa.array(["a text that is longer than a view", None, ""], pa.string_view()),
        "half": pa.array(np.array([1.5, np.nan, -0.0], dtype="float16")),
        "runs": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["p", "q"])),
        "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int8())),
        "wide": pa.array([decimal.Decimal("1.5"), None, None], pa.decimal256(60, 3)),
    }
).replace_schema_metadata({"made": "here"})
out = firesteel.run(table, add=ADD)
same = out.select(table.column_names)
assert same.schema.equals(table.schema, check_metadata=True) and repr(same.to_pylist()) == repr(table.to_pylist())
assert out["n"].to_pylist() == [1, None, 3]
batch = firesteel.run(table.to_batches()[0], add=ADD)
assert isinstance(batch, pa.RecordBatch) and batch.num_rows == 3

# The program itself passes all types through.
from firesteel._program import call  # noqa: E402



def send(pipe):
    with pa.ipc.new_stream(pipe, table.schema) as stream:
        stream.write_table(table, max_chunksize=2)


back = call(
    ["run", "-", "--format=arrow", "--output-format=arrow", "--add=n=length(text)"], send, lambda pipe: pa.ipc.open_stream(pipe).read_all()
).value
assert repr(back.drop_columns(["n"]).to_pylist()) == repr(table.to_pylist())
assert back.schema.types[:-1] == table.schema.types and back.schema.metadata == table.schema.metadata, back.schema

# DuckDB: types that Arrow does not have; another connection than the default one.
connection = duckdb.connect()
relation = connection.sql(
    """SELECT 'abc' AS text, 'x' AS cat, 170141183460469231731687303715884105727::HUGEINT AS h, 'm'::ENUM('m', 'n') AS e,
    '101'::BIT AS b, '[1]'::JSON AS j, INTERVAL 1 DAY AS i, {'a': [1, NULL]} AS s, '2f5d1c34-0000-4000-8000-000000000001'::UUID AS id"""
)
out = firesteel.run(relation, add=ADD)
assert out.columns[:9] == relation.columns
assert [str(t) for t in out.types[:9]] == [str(t) for t in relation.types]
assert [row[:9] for row in out.fetchall()] == relation.fetchall()

# Groups, and a stream of many batches.
frame = pd.DataFrame({"text": [f"text {i % 7}" for i in range(20_000)], "cat": "c"})
out = firesteel.run(frame, add=ADD)
assert list(out["n"]) == [6] * 20_000
print("frames are unchanged")
