"""AI functions over columns of Spark, pandas, Polars, pyarrow and DuckDB.

    firesteel.attach(spark)                  adds the functions to a session of Spark Connect
    firesteel.functions.ai_classify(...)     is a Column of PySpark
    df.ai.classify(...)                      adds a column to a DataFrame of PySpark
    firesteel.run(frame, add={...})          adds columns to a frame of pandas, Polars, ...
"""

from . import functions
from ._errors import FiresteelError, IncompleteWarning, UsageError
from ._frames import run
from ._session import attach
from .accessor import AI


def ai(df) -> AI:
    """Returns ``df.ai``, with a type that editors know."""
    return AI(df)


__all__ = ["AI", "FiresteelError", "IncompleteWarning", "UsageError", "ai", "attach", "functions", "run"]
