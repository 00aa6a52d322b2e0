"""Adds columns to frames of pandas, Polars, pyarrow and DuckDB.

The program gets the columns that the expressions name, as an Arrow stream, and the
number of each row. Only the computed columns come back and are added to the frame,
so that nothing else of it can change.
"""

import re
import uuid
import warnings
from typing import Any, BinaryIO, Dict, Iterable, List, Mapping, Optional, Sequence, TypeVar, Union

from ._errors import FiresteelError, IncompleteWarning
from ._program import call, flags

Frame = TypeVar("Frame")

# Rows of a batch of the stream.
BATCH = 8192


def run(
    frame: Frame,
    add: Union[Mapping[str, str], Sequence[str], None] = None,
    *,
    where: Optional[str] = None,
    errors: Optional[str] = None,
    group_by: Union[str, Sequence[str], None] = None,
    model: Optional[str] = None,
    models: Optional[Mapping[str, str]] = None,
    **options: Any,
) -> Frame:
    """Adds columns to a frame, which is not changed, and returns a frame of its kind.

    Parameters
    ----------
    frame
        A DataFrame of pandas or Polars, a Table or RecordBatch of pyarrow, or a
        relation of DuckDB.
    add
        The columns to add: ``{"mood": "ai_analyze_sentiment(text)"}``. Expressions are
        those of Spark SQL, with the functions that ``firesteel functions`` lists.
    where
        Keep only the rows for which this condition is true.
    errors
        The name of a column to add that says why a row has no answer.
    group_by
        Make a row of each group, for ai_agg and ai_summarize_agg; ``""`` makes one
        group of all rows.
    model, models
        As in ``firesteel.attach``.
    options
        Other flags of ``firesteel run``, such as ``limit=10``, ``max_tokens=100_000``,
        ``ledger="answers"``, ``no_ledger=True`` or ``local_only=True``.

    Raises
    ------
    UsageError
        If an argument is wrong, such as a column that the frame does not have.
    FiresteelError
        With the text of the program.

    Warns
    -----
    IncompleteWarning
        If rows have no answer, unless ``errors`` names a column for the reasons.
    """
    pa = arrow()
    kind = kind_of(frame)
    expressions = [f"{k}={v}" for k, v in add.items()] if isinstance(add, Mapping) else list(add or [])
    groups = [group_by] if isinstance(group_by, str) else group_by
    args = flags(model, models, {**options, "add": expressions, "where": where, "errors": errors, "group-by": groups})
    table, row = sent(pa, kind, frame, [*expressions, where or "", *(groups or [])])

    def send(pipe: BinaryIO) -> None:
        with pa.ipc.new_stream(pipe, table.schema) as stream:
            stream.write_table(table, max_chunksize=BATCH)

    def receive(pipe: BinaryIO) -> Any:
        with pa.ipc.open_stream(pipe) as stream:
            return stream.read_all()

    done = call(["run", "-", "--format=arrow", "--output-format=arrow", *args], send, receive, accepted=(0, 3))
    if done.code == 3 and errors is None:
        warnings.warn(done.messages.error(), IncompleteWarning, stacklevel=2)
    if groups is not None:
        return kind.whole(frame, done.value)
    rows = done.value.column(row)
    added = [n for n in done.value.column_names if n not in table.column_names]
    kept = None if len(rows) == table.num_rows else rows
    return kind.join(frame, kept, {n: done.value.column(n) for n in added})


def arrow() -> Any:
    try:
        import pyarrow as pa
        import pyarrow.ipc  # noqa: F401
    except ImportError as e:
        raise FiresteelError(f"firesteel.run needs pyarrow ({e}): pip install pyarrow") from e
    return pa


def sent(pa: Any, kind: "Kind", frame: Any, texts: Iterable[str]) -> Any:
    """Returns the table that the program gets, and the name of its column of row
    numbers. Columns that no expression names are of NULL: the program checks the names
    and lists them in its errors."""
    text = "\n".join(texts).casefold().replace("``", "`")
    names = kind.names(frame)
    columns: Dict[str, Any] = {}
    for name in names:
        if not isinstance(name, str):
            continue
        if re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", text):
            if names.count(name) > 1:
                raise FiresteelError(f"the frame has {names.count(name)} columns with the name {name!r}: rename one of them")
            columns[name] = kind.column(pa, frame, name)
        else:
            columns.setdefault(name, pa.nulls(kind.rows(frame)))
    row = "row number"
    while row.casefold() in [n.casefold() for n in columns]:
        row += "_"
    columns[row] = pa.array(range(kind.rows(frame)), pa.int64())
    return pa.table(columns), row


def kind_of(frame: Any) -> "Kind":
    module = type(frame).__module__.split(".")[0]
    name = type(frame).__name__
    if module == "pandas" and name == "DataFrame" or module == "pandas" and hasattr(frame, "iloc") and hasattr(frame, "columns"):
        return Pandas()
    if module == "polars" and name == "DataFrame":
        return Polars()
    if module == "polars" and name == "LazyFrame":
        raise TypeError("firesteel.run takes a Polars DataFrame: call .collect() on the LazyFrame first")
    if module == "pyarrow" and name in ("Table", "RecordBatch"):
        return Arrow()
    if module in ("duckdb", "_duckdb") and name == "DuckDBPyRelation":
        return DuckDB()
    if module == "pyspark":
        raise TypeError("firesteel.run computes in this process; for a DataFrame of Spark use firesteel.attach(spark) and df.ai")
    raise TypeError(
        "firesteel.run takes a DataFrame of pandas or Polars, a Table of pyarrow or a relation of DuckDB, "
        f"not a {type(frame).__module__}.{name}"
    )


class Kind:
    """A kind of frame."""

    def names(self, frame: Any) -> List[Any]:
        raise NotImplementedError

    def rows(self, frame: Any) -> int:
        raise NotImplementedError

    def column(self, pa: Any, frame: Any, name: str) -> Any:
        """Returns a column as Arrow."""
        raise NotImplementedError

    def join(self, frame: Any, kept: Any, added: Dict[str, Any]) -> Any:
        """Returns the frame with the rows kept, all for None, and added columns."""
        raise NotImplementedError

    def whole(self, frame: Any, table: Any) -> Any:
        """Returns a new frame of the kind of frame."""
        raise NotImplementedError


class Pandas(Kind):
    def names(self, frame: Any) -> List[Any]:
        return list(frame.columns)

    def rows(self, frame: Any) -> int:
        return len(frame)

    def column(self, pa: Any, frame: Any, name: str) -> Any:
        try:
            return pa.Array.from_pandas(frame[name])
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as e:
            raise FiresteelError(f"the column {name!r} of the frame has values that Arrow cannot store: {e}") from e

    def join(self, frame: Any, kept: Any, added: Dict[str, Any]) -> Any:
        frame = frame.copy(deep=False) if kept is None else frame.iloc[kept.to_numpy()].copy()
        for name, values in added.items():
            frame[name] = to_pandas(values).array
        return frame

    def whole(self, frame: Any, table: Any) -> Any:
        import pandas as pd

        return pd.DataFrame({n: to_pandas(table.column(n)) for n in table.column_names})


def to_pandas(values: Any) -> Any:
    """Returns a column of pandas. Integers and booleans with NULL keep their type."""
    import pandas as pd

    nullable = {
        "int8": pd.Int8Dtype, "int16": pd.Int16Dtype, "int32": pd.Int32Dtype, "int64": pd.Int64Dtype,
        "bool": pd.BooleanDtype,
    }  # fmt: skip
    dtype = nullable.get(str(values.type)) if values.null_count else None
    if dtype is None:
        return values.to_pandas()
    return values.to_pandas(types_mapper=lambda _: dtype())


class Polars(Kind):
    def names(self, frame: Any) -> List[Any]:
        return list(frame.columns)

    def rows(self, frame: Any) -> int:
        return frame.height

    def column(self, pa: Any, frame: Any, name: str) -> Any:
        return frame.get_column(name).to_arrow()

    def join(self, frame: Any, kept: Any, added: Dict[str, Any]) -> Any:
        import polars as pl

        if kept is not None:
            frame = frame[kept.to_pylist()]
        # Not with_columns: a frame without columns has no rows.
        series = [pl.Series(name, pl.from_arrow(values)) for name, values in added.items()]
        return frame.hstack(series) if frame.width else pl.DataFrame(series)

    def whole(self, frame: Any, table: Any) -> Any:
        import polars as pl

        return pl.from_arrow(table)


class Arrow(Kind):
    def names(self, frame: Any) -> List[Any]:
        return list(frame.schema.names)

    def rows(self, frame: Any) -> int:
        return frame.num_rows

    def column(self, pa: Any, frame: Any, name: str) -> Any:
        return frame.column(name)

    def join(self, frame: Any, kept: Any, added: Dict[str, Any]) -> Any:
        pa = arrow()
        batch = isinstance(frame, pa.RecordBatch)
        table = pa.Table.from_batches([frame]) if batch else frame
        if kept is not None:
            table = table.take(kept)
        for name, values in added.items():
            table = table.append_column(name, values)
        if not batch:
            return table
        columns = [c.combine_chunks() for c in table.columns]
        columns = [c.chunk(0) if isinstance(c, pa.ChunkedArray) and c.num_chunks else c for c in columns]
        return pa.RecordBatch.from_arrays(columns, schema=table.schema)

    def whole(self, frame: Any, table: Any) -> Any:
        return table


class DuckDB(Kind):
    """A relation is computed once, into a temporary table of its connection: a query
    need not give its rows in one order, and Arrow does not have all types of DuckDB."""

    def __init__(self) -> None:
        self.stored = ""

    def names(self, frame: Any) -> List[Any]:
        return list(frame.columns)

    def rows(self, frame: Any) -> int:
        return self.query(frame, "SELECT count(*) FROM {}").fetchall()[0][0]

    def column(self, pa: Any, frame: Any, name: str) -> Any:
        one = self.query(frame, f"SELECT {quoted(name)} FROM {{}} ORDER BY rowid")
        table = one.to_arrow_table() if hasattr(one, "to_arrow_table") else one.fetch_arrow_table()
        return table.column(0)

    def join(self, frame: Any, kept: Any, added: Dict[str, Any]) -> Any:
        pa = arrow()
        row = "row number"
        while row in added:
            row += "_"
        rows = pa.array(range(self.rows(frame)), pa.int64()) if kept is None else kept
        firesteel_added = pa.table({row: rows, **added})  # noqa: F841 DuckDB finds it by its name
        columns = "".join(f", a.{quoted(n)}" for n in added)
        query = f"SELECT t.*{columns} FROM {{}} t JOIN firesteel_added a ON t.rowid = a.{quoted(row)} ORDER BY a.{quoted(row)}"
        before, self.stored = self.stored, f"firesteel_{uuid.uuid4().hex}"
        frame.query("firesteel_frame", f"CREATE TEMP TABLE {self.stored} AS {query.format(before)}")
        frame.query("firesteel_frame", f"DROP TABLE {before}")
        return self.query(frame, "FROM {} ORDER BY rowid")

    def whole(self, frame: Any, table: Any) -> Any:
        firesteel_groups = table  # noqa: F841 DuckDB finds it by its name
        self.query(frame, "DROP TABLE {}")
        self.stored = f"firesteel_{uuid.uuid4().hex}"
        frame.query("firesteel_frame", f"CREATE TEMP TABLE {self.stored} AS FROM firesteel_groups")
        return self.query(frame, "FROM {}")

    def query(self, frame: Any, text: str) -> Any:
        if not self.stored:
            self.stored = f"firesteel_{uuid.uuid4().hex}"
            frame.query("firesteel_frame", f"CREATE TEMP TABLE {self.stored} AS FROM firesteel_frame")
        return frame.query("firesteel_frame", text.format(self.stored))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""').replace("{", "{{").replace("}", "}}") + '"'
