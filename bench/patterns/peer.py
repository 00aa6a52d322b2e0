"""Masks a column of a file by regular expressions with DuckDB: peer.py INPUT OUTPUT THREADS [REGEXP]"""
import sys
import duckdb

source, target, threads = sys.argv[1:4]
reader = "read_csv(?, header = true)" if source.endswith(".csv") else "read_parquet(?)"
writer = "(FORMAT csv, HEADER)" if target.endswith(".csv") else "(FORMAT parquet)"
con = duckdb.connect(config={"threads": int(threads)})
columns, values = "*, id AS again", [source]
if len(sys.argv) > 4:
    columns, values = "*, regexp_replace(text, ?, '[MASKED]', 'g') AS masked", [sys.argv[4], source]
con.execute(f"COPY (SELECT {columns} FROM {reader}) TO '{target}' {writer}", values)
