"""Adds the AI functions to a session of Spark Connect."""

import urllib.parse
from typing import Any, Mapping, Optional, Sequence, Union

from ._errors import FiresteelError
from ._program import call, flags
from .accessor import AI

# Parameters of a connection that attach sets itself, or that are the client's own.
OWN = ("session_id", "user_id", "user_agent")


def attach(
    spark: Any,
    model: Optional[str] = None,
    models: Optional[Mapping[str, str]] = None,
    *,
    roles: Union[str, Sequence[str], None] = None,
    remote: Optional[str] = None,
    **options: Any,
) -> None:
    """Adds the AI functions to a session of Spark Connect, and ``.ai`` to its DataFrames.

    Parameters
    ----------
    spark
        A session of PySpark 3.5 or 4, from ``SparkSession.builder.remote(...)``.
    model
        The model, as the command's ``--model`` takes it. The default is SmolLM2-135M.
    models
        Further models: ``{"embed": "./embedder", "topic": "./topic.safetensors"}``. A
        name is a role (text, embed, tag, rank), or what ai_query and ai_predict ask.
    roles
        The roles whose default models are uploaded. The default is all of them.
    remote
        The connection string, if the session does not tell it.
    options
        Other flags of ``firesteel attach``, such as ``local_only=True``.

    Raises
    ------
    FiresteelError
        With the text of the program.
    """
    connection = session_of(spark, remote)
    if isinstance(roles, str):
        roles = [roles]
    if roles is not None:
        options["roles"] = ",".join(roles)
    spark.version  # asks the server, which opens the session
    # In the environment, because other users can read a token on a command line.
    call(["attach", *flags(model, models, options)], env={"SPARK_REMOTE": connection})
    register(type(spark.range(0)))


def session_of(spark: Any, remote: Optional[str]) -> str:
    """Returns the connection string with the session's id and user."""
    client = getattr(spark, "client", None)
    if client is None or not type(spark).__module__.startswith("pyspark.sql.connect"):
        if type(spark).__module__.startswith("pyspark.sql"):
            raise FiresteelError(
                "this is a classic session of PySpark, and firesteel needs Spark Connect: make the session by "
                'SparkSession.builder.remote("sc://HOST:15002"), or by .remote("local[*]") for Spark on this '
                "machine (pip install 'pyspark[connect]'); stop the classic session first"
            )
        raise FiresteelError(f"attach takes a session of PySpark, not a {type(spark).__module__}.{type(spark).__name__}")
    builder = getattr(client, "_builder", None)
    given = dict(getattr(builder, "_params", None) or getattr(builder, "params", None) or {})
    if remote is None:
        endpoint = getattr(builder, "endpoint", None)
        if endpoint is None:
            raise FiresteelError("the session does not tell the address of its server: give it, as in remote='sc://HOST:15002'")
        remote = f"sc://{endpoint}/"
    else:
        given = {}
    parameters = {
        **{k: v for k, v in given.items() if k not in OWN},
        "session_id": getattr(spark, "session_id", None) or client._session_id,
        "user_id": client._user_id or "",
    }
    text = ";".join(f"{k}={urllib.parse.quote(str(v), safe='')}" for k, v in parameters.items())
    if "/;" in remote:
        return f"{remote.rstrip(';')};{text}"
    return f"{remote.rstrip('/')}/;{text}"


def register(frame: type) -> None:
    """Adds ``.ai`` to a class of DataFrames, unless it has another."""
    have = frame.__dict__.get("ai")
    if have is None:
        setattr(frame, "ai", property(AI, doc=AI.__doc__))
