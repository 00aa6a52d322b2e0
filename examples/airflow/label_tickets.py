"""A DAG that labels the tickets of a day: a file in Airflow's worker, a frame in a task of Python, and a table on Spark.

    pip install apache-airflow firesteel-*.whl pandas pyarrow
    SPARK_REMOTE=sc://localhost:15002 airflow dags test label_tickets 2026-12-01

TICKETS is the folder with the files 2026-12-01.csv and so on, with the columns id and body.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag, task

FOLDER = os.environ.get("TICKETS", "/data/tickets")


@dag(
    schedule="@daily",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    # An attempt that was killed continues where it stopped: the ledger keeps each answer.
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
)
def label_tickets():
    # Without Spark. The exit code 3 means that the file is complete, but rows have no answer: the column "problem" says
    # why. Other codes fail the task.
    label = BashOperator(
        task_id="label",
        bash_command="""
            mkdir -p {{ params.folder }}/labelled
            firesteel run {{ params.folder }}/{{ ds }}.csv --overwrite -o {{ params.folder }}/labelled/{{ ds }}.parquet \\
              --add "topic=ai_classify(body, array('billing', 'delivery'))" --add "safe=ai_mask(body, array('email'))" \\
              --errors problem --max-time 2h --lineage {{ params.folder }}/lineage.jsonl || [ $? -eq 3 ]
        """,
        env={"OPENLINEAGE_NAMESPACE": "airflow"},
        append_env=True,
        params={"folder": FOLDER},
    )

    @task
    def count_moods(ds: str) -> dict[str, int]:
        """firesteel.run takes and returns a frame of pandas, Polars or pyarrow."""
        import firesteel
        import pandas as pd

        tickets = pd.read_parquet(Path(FOLDER) / "labelled" / f"{ds}.parquet")
        moods = firesteel.run(tickets, add={"mood": "ai_analyze_sentiment(safe)"})
        return {str(mood): int(n) for mood, n in moods["mood"].value_counts().items()}

    # On Spark, at the address of SPARK_REMOTE, with answers kept for the next attempt.
    table = BashOperator(
        task_id="table",
        bash_command="firesteel sql -f {{ params.script }} --param day={{ ds }} --param folder={{ params.folder }}/labelled/{{ ds }}.parquet --ledger {{ params.folder }}/ledger",
        append_env=True,
        params={"folder": FOLDER, "script": str(Path(__file__).with_name("tickets.sql"))},
    )

    label >> [count_moods(ds="{{ ds }}"), table]


label_tickets()
