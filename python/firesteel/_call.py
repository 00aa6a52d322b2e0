"""Calls of the AI functions as Columns."""

import json
from typing import TYPE_CHECKING, Any, Iterable, List, Mapping, Sequence, Tuple, Union

from ._errors import FiresteelError

if TYPE_CHECKING:
    from pyspark.sql import Column

# A column: its name, or a Column.
ColumnOrName = Union["Column", str]
# Labels: a list, or a dict of labels and descriptions.
Labels = Union["Column", Sequence[str], Mapping[str, str], str]
# Options: a dict, or its JSON.
Options = Union["Column", Mapping[str, Any], str]
# Examples: pairs of a text and its answer, or their JSON.
Examples = Union["Column", Sequence[Tuple[str, str]], str]
# An array: the name of a column, a Column, or a list.
Texts = Union["Column", str, Sequence[str]]
Vectors = Union["Column", str, Sequence[Sequence[float]]]
# A value that may also be a Column.
Text = Union["Column", str]
Number = Union["Column", int]
Flag = Union["Column", bool]


def connect() -> Any:
    """Returns PySpark's functions of Spark Connect."""
    try:
        import pyspark.sql.connect.functions as f
    except ImportError as e:
        raise FiresteelError(
            f"PySpark with Spark Connect is missing ({e}): pip install pyspark-client, or 'pyspark[connect]' "
            "for Spark 3.5, in the version of the server"
        ) from e
    return f


def is_column(value: Any) -> bool:
    return type(value).__module__.startswith("pyspark.sql") and type(value).__name__ == "Column"


def column(f: Any, value: Any) -> Any:
    """A str is the name of a column."""
    if isinstance(value, str):
        return f.col(value)
    if is_column(value):
        return value
    raise TypeError(f"a column is its name or a Column, not {value!r}")


def value(f: Any, given: Any) -> Any:
    """A str is itself; lists and dicts are JSON, which the functions read."""
    if is_column(given):
        return given
    if isinstance(given, Mapping):
        return f.lit(json.dumps(given, ensure_ascii=False))
    if isinstance(given, (list, tuple)):
        return f.lit(json.dumps(list(given), ensure_ascii=False))
    if given is None:
        return f.lit(None).cast("string")
    return f.lit(given)


def array(f: Any, given: Any) -> Any:
    """A str is the name of a column, and a list is an array of its elements."""
    if isinstance(given, (list, tuple)):
        return f.array(*[array(f, e) if isinstance(e, (list, tuple)) else f.lit(e) for e in given])
    if given is None:
        return f.lit(None)
    return column(f, given)


def vectors(f: Any, given: Any) -> Any:
    return array(f, given).cast("array<array<float>>")


def collected(given: Any) -> Any:
    """For a group: the values of a column, as a list."""
    return connect().collect_list(given) if isinstance(given, str) or is_column(given) else given


def invoke(name: str, arguments: Iterable[Tuple[Any, Any, bool]]) -> "Column":
    """Calls a function. An argument is a conversion, a value, and whether it may be
    omitted; those at the end that are None are."""
    f = connect()
    given: List[Tuple[Any, Any, bool]] = list(arguments)
    while given and given[-1][2] and given[-1][1] is None:
        given.pop()
    return f.call_function(name, *[convert(f, v) for convert, v, _ in given])


def add_column(df: Any, made: Any, output_col: str, error_col: Union[str, None]) -> Any:
    """Adds the result of a function, and of a try_ function also the error."""
    if error_col is None:
        return df.withColumn(output_col, made)
    both = free(df.columns)
    return with_error(df.withColumn(both, made), both, output_col, error_col)


def add_group(df: Any, by: Any, made: Any, output_col: str, error_col: Union[str, None]) -> Any:
    """Makes a row of each group, with the result of a function over it."""
    keys = [by] if isinstance(by, str) or is_column(by) else list(by)
    groups = df.groupBy(*keys)
    if error_col is None:
        return groups.agg(made.alias(output_col))
    both = free(df.columns)
    return with_error(groups.agg(made.alias(both)), both, output_col, error_col)


def free(names: Sequence[str]) -> str:
    """Returns a name of a column that is not used yet."""
    name = "ai_result"
    while name in names:
        name += "_"
    return name


def with_error(df: Any, both: str, output_col: str, error_col: str) -> Any:
    f = connect()
    result, error = f.col(both).getField("result"), f.col(both).getField("error")
    return df.withColumn(output_col, result).withColumn(error_col, error).drop(both)
