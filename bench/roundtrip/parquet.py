"""Writes and reads Parquet files with other programs, for bench/roundtrip.

    parquet.py write PROGRAM FOLDER    writes FOLDER/PROGRAM-TYPE.parquet, and
                                       prints the types that the program cannot write
    parquet.py read PROGRAM            reads paths from standard input, one per
                                       line, and prints each file's content as JSON

A file has one column, c, unless a type needs more.
"""
import base64, datetime as dt, decimal, glob, json, os, shutil, struct, sys, uuid

D = decimal.Decimal


# --- pyarrow ---------------------------------------------------------------

def pyarrow_cases():
    import pyarrow as pa
    far = dt.datetime(9999, 12, 31, 23, 59, 59)
    us = [dt.datetime(2026, 1, 31, 12, 30, 45, 123456), None, dt.datetime(1, 1, 1), far]
    ns = [0, None, 9223372036854775807, -1, 1769862645123456789]
    ints = lambda bits, signed: ([-2 ** (bits - 1), None, 2 ** (bits - 1) - 1, 0] if signed else [0, None, 2 ** bits - 1, 1])
    c = {}
    for bits in (8, 16, 32, 64):
        c["int%d" % bits] = (ints(bits, True), pa.int64() if bits == 64 else getattr(pa, "int%d" % bits)())
        c["uint%d" % bits] = (ints(bits, False), getattr(pa, "uint%d" % bits)())
    c["bool"] = ([True, None, False], pa.bool_())
    c["float16"] = ([1.5, None, -2.0, 65504.0, 6e-8, float("inf"), float("nan")], pa.float16())
    c["float32"] = ([0.1, None, 3.4e38, float("-inf"), float("nan"), -0.0], pa.float32())
    c["float64"] = ([0.1, None, 1.7e308, 5e-324, float("nan")], pa.float64())
    for name in ("string", "large_string", "string_view"):
        c[name] = (["a", None, "", "ä\n\"x\",y", "long " * 20], getattr(pa, name)())
    for name in ("binary", "large_binary", "binary_view"):
        c[name] = ([b"\x00\x01", None, b"", b"\xff" * 40], getattr(pa, name)())
    c["fixed_binary"] = ([b"abc", None, b"\x00\xff\x00"], pa.binary(3))
    for p, s, t in ((9, 2, pa.decimal32), (18, 2, pa.decimal64), (5, 2, pa.decimal128), (38, 10, pa.decimal128), (76, 10, pa.decimal256), (20, 0, pa.decimal256)):
        most = D((0, (9,) * p, -s))
        c["decimal%d_%d" % (p, s)] = ([most, None, most.copy_negate(), D((0, (0,), -s))], t(p, s))
    c["date32"] = ([dt.date(2026, 1, 31), None, dt.date(1, 1, 1), dt.date(9999, 12, 31)], pa.date32())
    c["date64"] = ([dt.date(2026, 1, 31), None, dt.date(1, 1, 1)], pa.date64())
    c["time32_s"] = ([dt.time(12, 30, 45), None, dt.time(0), dt.time(23, 59, 59)], pa.time32("s"))
    c["time32_ms"] = ([dt.time(12, 30, 45, 123000), None, dt.time(23, 59, 59, 999000)], pa.time32("ms"))
    c["time64_us"] = ([dt.time(12, 30, 45, 123456), None, dt.time(23, 59, 59, 999999)], pa.time64("us"))
    c["time64_ns"] = ([1, None, 86399999999999], pa.time64("ns"))
    c["timestamp_s"] = ([0, None, 253402300799, -62135596800], pa.timestamp("s"))
    c["timestamp_ms"] = ([1, None, 253402300799999, -62135596800000], pa.timestamp("ms"))
    c["timestamp_us"] = (us, pa.timestamp("us"))
    c["timestamp_ns"] = (ns, pa.timestamp("ns"))
    c["timestamp_us_utc"] = (us[:2], pa.timestamp("us", "UTC"))
    c["timestamp_ms_berlin"] = (us[:2], pa.timestamp("ms", "Europe/Berlin"))
    c["timestamp_ns_offset"] = (ns, pa.timestamp("ns", "+05:30"))
    for u in ("s", "ms", "us", "ns"):
        c["duration_" + u] = ([1, None, -90061, 2 ** 62 // 10 ** 9, 0], pa.duration(u))
    c["dictionary"] = (["a", None, "b", "a"], pa.dictionary(pa.int8(), pa.string()))
    c["null"] = ([None, None], pa.null())
    c["list"] = ([[1, None], None, [], [2]], pa.list_(pa.int32()))
    c["large_list"] = ([["a", None], None, []], pa.large_list(pa.string()))
    c["fixed_list"] = ([[1.5, 2.5], None, [None, 3.5]], pa.list_(pa.float32(), 2))
    c["list_list"] = ([[[1], None, []], None, [], [[2, 3], [4]]], pa.list_(pa.list_(pa.int64())))
    c["struct"] = ([{"a": 1, "b": {"t": "x"}}, None, {"a": None, "b": None}], pa.struct([("a", pa.int32()), ("b", pa.struct([("t", pa.string())]))]))
    c["map"] = ([[("k", 1), ("l", None)], None, []], pa.map_(pa.string(), pa.int64()))
    c["list_duration"] = ([[1, None], None, []], pa.list_(pa.duration("us")))
    c["uuid"] = ([uuid.UUID(int=1).bytes, None, uuid.UUID(int=2 ** 128 - 1).bytes], pa.uuid())
    c["json"] = (['{"a": 1.0}', None, "[]"], pa.json_())
    c["bool8"] = ([1, None, 0], pa.bool8())
    c["interval"] = ([(1, 2, 3), None], pa.month_day_nano_interval())

    def array(values, t):
        if isinstance(t, pa.BaseExtensionType):
            return pa.ExtensionArray.from_storage(t, pa.array(values, t.storage_type))
        if pa.types.is_float16(t):
            import numpy as np
            return pa.array([None if v is None else np.float16(v) for v in values], t)
        return pa.array(values, t)

    def write(values, t, **options):
        def to(path):
            import pyarrow.parquet as pq
            if str(t) in ("string_view", "binary_view"):
                a = pa.array(values, pa.string() if str(t) == "string_view" else pa.binary()).cast(t)
            else:
                a = array(values, t)
            pq.write_table(pa.table({"c": a}), path, **options)
        return to

    cases = {name: write(*v) for name, v in c.items()}
    for name, options in {
        "decimal5_2_int32": dict(store_decimal_as_integer=True), "decimal18_2_int64": dict(store_decimal_as_integer=True),
        "timestamp_ns_int96": dict(use_deprecated_int96_timestamps=True), "list_named_item": dict(use_compliant_nested_type=False),
        "uint32_v1": dict(version="1.0"), "string_v2_pages": dict(data_page_version="2.0"), "struct_no_arrow_schema": dict(store_schema=False),
        "float64_byte_stream_split": dict(use_dictionary=False, column_encoding={"c": "BYTE_STREAM_SPLIT"}),
        "int64_delta": dict(use_dictionary=False, column_encoding={"c": "DELTA_BINARY_PACKED"}),
        "string_delta": dict(use_dictionary=False, column_encoding={"c": "DELTA_BYTE_ARRAY"}),
        "string_gzip": dict(compression="gzip"), "string_brotli": dict(compression="brotli"), "string_lz4": dict(compression="lz4"), "string_zstd": dict(compression="zstd"),
    }.items():
        base = max((b for b in c if name.startswith(b)), key=len)
        cases[name] = write(*c[base], **options)

    def ids_and_metadata(path):
        import pyarrow.parquet as pq
        f = pa.field("c", pa.list_(pa.field("element", pa.int32(), metadata={"PARQUET:field_id": "8"})), metadata={"PARQUET:field_id": "7", "note": "of a field"})
        pq.write_table(pa.table([pa.array([[1], None], f.type)], schema=pa.schema([f], metadata={"owner": "me", "geo": '{"columns": {}}'})), path)

    def required(path):
        import pyarrow.parquet as pq
        s = pa.schema([pa.field("c", pa.list_(pa.field("element", pa.int32(), False)), False), pa.field("d", pa.string(), False)])
        pq.write_table(pa.table([pa.array([[1], []], s[0].type), pa.array(["a", ""])], schema=s), path)

    def pandas(path):
        import pandas as pd
        pd.DataFrame({"c": pd.Categorical(["a", None, "b"]), "t": pd.to_timedelta([1, None, 3], unit="s")}, index=pd.Index([3, 4, 5], name="key")).to_parquet(path)

    cases.update(ids_and_metadata=ids_and_metadata, required=required, pandas=pandas)
    return cases


def bits(v):
    """A form of a value that has equal text for equal values."""
    if isinstance(v, float):
        return "f" + struct.pack(">d", v).hex()
    if isinstance(v, (list, tuple)):
        return [bits(e) for e in v]
    if isinstance(v, dict):
        return {str(k): bits(e) for k, e in v.items()}
    return repr(v)


def storage(a):
    """An array converted to values that Python supports: nanoseconds and floats become integers."""
    import pyarrow as pa
    if isinstance(a, pa.ChunkedArray):
        a = a.combine_chunks()
        if isinstance(a, pa.ChunkedArray):
            a = a.chunk(0) if a.num_chunks else pa.array([], a.type)
    t = a.type
    if isinstance(t, pa.BaseExtensionType):
        return storage(a.storage)
    if pa.types.is_floating(t):
        return a.view({16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[t.bit_width])
    if pa.types.is_timestamp(t) or pa.types.is_duration(t) or pa.types.is_time64(t) or pa.types.is_date64(t):
        return a.view(pa.int64())
    if pa.types.is_dictionary(t):
        return storage(a.dictionary_decode())
    return a


def pyarrow_read(path):
    import pyarrow.parquet as pq
    f = pq.ParquetFile(path)
    table = f.read()
    columns = {n: bits(storage(table.column(n)).to_pylist()) for n in table.column_names}
    types = {x.name: [str(x.type), x.nullable, sorted((k.decode(), v.decode()) for k, v in (x.metadata or {}).items())] for x in table.schema}
    parquet = {}
    for i in range(len(f.schema)):
        s = f.schema.column(i)
        parquet[s.path] = [s.physical_type, str(s.logical_type), s.converted_type, s.max_definition_level, s.max_repetition_level, s.length, s.precision, s.scale]
    declared = ("ARROW:schema", "org.apache.spark.sql.parquet.row.metadata")
    pairs = sorted((k.decode(), v.decode()) for k, v in (f.metadata.metadata or {}).items() if k.decode() not in declared)
    return {"columns": columns, "types": types, "parquet": parquet, "pairs": pairs}


# --- the expected JSON lines: pyarrow's reading in firesteel's form ------------

def plain(v, t):
    import pyarrow as pa
    if isinstance(t, pa.BaseExtensionType):
        if t.extension_name == "arrow.uuid":
            return None if v is None else str(uuid.UUID(bytes=v.bytes if isinstance(v, uuid.UUID) else v))
        return plain(v, t.storage_type)
    if v is None:
        return None
    ty = pa.types
    if ty.is_dictionary(t):
        return plain(v, t.value_type)
    if ty.is_floating(t):
        v = float(v)
        if v != v or v in (float("inf"), float("-inf")):
            return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(v), "NaN")
        if t.bit_width < 64:  # the shortest text that is read as the same number
            import numpy as np
            return float(str(np.float32(v)))
        return v
    if ty.is_decimal(t):
        return format(v, "f")
    if ty.is_binary(t) or ty.is_large_binary(t) or ty.is_fixed_size_binary(t) or str(t) == "binary_view":
        return base64.b64encode(v).decode()
    if ty.is_date(t):
        return v.isoformat()
    if ty.is_map(t):
        return {plain(k, t.key_type): plain(e, t.item_type) for k, e in v}
    if ty.is_struct(t):
        return {f.name: plain(v[f.name], f.type) for f in t}
    if ty.is_duration(t):
        return time_text(round(v.total_seconds() * {"s": 1, "ms": 1000, "us": 10 ** 6, "ns": 10 ** 9}[t.unit]) if isinstance(v, dt.timedelta) else v, t)
    if ty.is_list(t) or ty.is_large_list(t) or ty.is_fixed_size_list(t) or "list_view" in str(t):
        return [plain(e, t.value_type) for e in v]
    return v


def time_text(v, t):
    """A time in firesteel's form, from its number in the type's unit."""
    import pyarrow as pa
    per = {"s": 1, "ms": 1000, "us": 10 ** 6, "ns": 10 ** 9}[t.unit]
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[t.unit]
    if pa.types.is_duration(t):
        return "%d%s" % (v, t.unit)
    seconds, part = divmod(v, per)
    if pa.types.is_timestamp(t):
        text = (dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)).isoformat()
        part = ("." + str(part).zfill(digits)).rstrip("0").rstrip(".") if digits else ""
        return text + part + ("Z" if t.tz else "")
    return "%02d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60) + ("." + str(part).zfill(digits) if digits else "")


def as_json(path):
    """pyarrow's reading in firesteel's form of JSON lines."""
    import pyarrow as pa, pyarrow.parquet as pq
    # INT96 of Spark in microseconds, which hold all its times.
    table = pq.ParquetFile(path, coerce_int96_timestamp_unit="us" if "spark" in os.path.basename(path) else None).read()
    rows = [{} for _ in range(table.num_rows)]
    for f in table.schema:
        a, t = table.column(f.name), f.type
        if pa.types.is_timestamp(t) or pa.types.is_duration(t) or pa.types.is_time(t):
            a = a.cast(pa.int32()) if pa.types.is_time32(t) else storage(a)
            values = [None if v is None else time_text(v, t) for v in a.to_pylist()]
        else:
            values = [plain(v, t) for v in a.to_pylist()]
        for r, v in zip(rows, values):
            r[f.name] = v
    return rows


# --- DuckDB -----------------------------------------------------------------

DUCKDB = {
    "BOOLEAN": "true, NULL, false", "TINYINT": "-128, NULL, 127", "SMALLINT": "-32768, NULL, 32767", "INTEGER": "-2147483648, NULL, 2147483647",
    "BIGINT": "-9223372036854775808, NULL, 9223372036854775807", "HUGEINT": "-5, NULL, 7", "UTINYINT": "255, NULL, 0", "USMALLINT": "65535, NULL, 0",
    "UINTEGER": "4294967295, NULL, 0", "UBIGINT": "18446744073709551615, NULL, 0", "UHUGEINT": "5, NULL, 0", "BIGNUM": "'123456789012345678901234567890', NULL",
    "FLOAT": "0.1, NULL, 'nan', '-inf'", "DOUBLE": "0.1, NULL, 'nan', 'inf'",
    "DECIMAL(4,2)": "99.99, NULL, -99.99", "DECIMAL(9,2)": "9999999.99, NULL", "DECIMAL(18,4)": "-99999999999999.9999, NULL", "DECIMAL(38,10)": "9999999999999999999999999999.9999999999, NULL",
    "VARCHAR": "'a', NULL, '', 'ä'", "BLOB": "'\\x00\\xFF', NULL, ''", "BIT": "'0101', NULL", "UUID": "'00112233-4455-6677-8899-aabbccddeeff', NULL",
    "JSON": "'{\"a\": 1.0}', NULL", "DATE": "'2026-01-31', NULL, '0001-01-01', '9999-12-31'", "TIME": "'12:30:45.123456', NULL", "TIME_NS": "'12:30:45.123456789', NULL",
    "TIMETZ": "'12:30:45.123456+02:00', NULL", "TIMESTAMP": "'2026-01-31 12:30:45.123456', NULL, '0001-01-01', '9999-12-31'", "TIMESTAMP_S": "'2026-01-31 12:30:45', NULL",
    "TIMESTAMP_MS": "'2026-01-31 12:30:45.123', NULL", "TIMESTAMP_NS": "'2026-01-31 12:30:45.123456789', NULL", "TIMESTAMPTZ": "'2026-01-31 12:30:45.123456+00', NULL",
    "INTERVAL": "'1 month 2 days 3.004 seconds', NULL, '-14 months'", "ENUM('x', 'y')": "'x', NULL, 'y'", "INTEGER[]": "[1, NULL], NULL, []", "INTEGER[2]": "[1, NULL], NULL",
    "VARCHAR[][]": "[['a'], NULL, []], NULL", "STRUCT(a INTEGER, b VARCHAR)": "{'a': 1, 'b': NULL}, NULL", "MAP(VARCHAR, INTEGER)": "MAP {'k': 1, 'l': NULL}, NULL",
    "UUID[]": "['00112233-4455-6677-8899-aabbccddeeff'], NULL", "INTERVAL[]": "['1 day'::INTERVAL], NULL", "VARIANT": "{'a': 1}::VARIANT, NULL, 'text'::VARIANT",
    "GEOMETRY": "'POINT (1 2)', NULL", "GEOMETRY('EPSG:4326')": "'POINT (1 2)', NULL",
}


def duckdb_cases():
    import duckdb

    def write(t, values):
        def to(path):
            con = duckdb.connect()
            con.execute("SET TimeZone = 'UTC'")
            split = "SELECT unnest([%s]) AS c" % ", ".join("(%s)::%s" % (v, t) for v in top(values))
            con.execute("COPY (%s) TO '%s' (FORMAT parquet)" % (split, path))
        return to

    return {"".join(ch if ch.isalnum() else "_" for ch in t).strip("_").lower(): write(t, v) for t, v in DUCKDB.items()}


def top(values):
    """Splits a text at the commas outside of brackets and quotes."""
    parts, depth, quoted, at = [], 0, False, ""
    for ch in values:
        quoted ^= ch == "'"
        if not quoted:
            depth += (ch in "[{(") - (ch in "]})")
        if ch == "," and depth == 0 and not quoted:
            parts.append(at)
            at = ""
        else:
            at += ch
    return [p.strip() for p in parts + [at]]


def duckdb_read(path):
    import duckdb
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    types = con.execute("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('%s'))" % path).fetchall()
    columns = {}
    for name, t in types:
        # As text, because Python does not support all values of DuckDB.
        columns[name] = [r[0] for r in con.execute("SELECT \"%s\"::VARCHAR FROM read_parquet('%s')" % (name, path)).fetchall()]
    return {"columns": columns, "types": dict(types)}


# --- polars -----------------------------------------------------------------

def polars_cases():
    import polars as pl
    c = {}
    for name in ("Int8", "Int16", "Int32", "Int64"):
        bits = int(name[3:])
        c[name] = ([-2 ** (bits - 1), None, 2 ** (bits - 1) - 1], getattr(pl, name))
        c["U" + name] = ([0, None, 2 ** bits - 1], getattr(pl, "U" + name))
    for name in ("Int128", "UInt128"):
        if hasattr(pl, name):
            c[name] = ([2 ** 100, None], getattr(pl, name))
    for name in ("Float16", "Float32", "Float64"):
        if hasattr(pl, name):
            c[name] = ([0.5, None, float("nan"), float("-inf")], getattr(pl, name))
    c["Boolean"] = ([True, None, False], pl.Boolean)
    c["String"] = (["a", None, "", "ä"], pl.String)
    c["Binary"] = ([b"\x00\xff", None, b""], pl.Binary)
    c["Decimal10_2"] = ([D("99999999.99"), None, D("-0.01")], pl.Decimal(10, 2))
    c["Decimal38_10"] = ([D("1.5"), None], pl.Decimal(38, 10))
    c["Date"] = ([dt.date(2026, 1, 31), None, dt.date(1, 1, 1)], pl.Date)
    c["Time"] = ([dt.time(12, 30, 45, 123456), None], pl.Time)
    for u in ("ms", "us", "ns"):
        c["Datetime_" + u] = ([dt.datetime(2026, 1, 31, 12, 30, 45, 123000), None], pl.Datetime(u))
        c["Duration_" + u] = ([dt.timedelta(days=1, milliseconds=1), None, dt.timedelta(seconds=-1)], pl.Duration(u))
    c["Datetime_berlin"] = ([dt.datetime(2026, 1, 31, 12, 30, 45), None], pl.Datetime("us", "Europe/Berlin"))
    c["Categorical"] = (["a", None, "b", "a"], pl.Categorical)
    c["Enum"] = (["x", None, "y"], pl.Enum(["x", "y"]))
    c["Null"] = ([None, None], pl.Null)
    c["List"] = ([[1, None], None, []], pl.List(pl.Int32))
    c["List_List"] = ([[["a"], None, []], None], pl.List(pl.List(pl.String)))
    c["List_Duration"] = ([[dt.timedelta(seconds=1)], None], pl.List(pl.Duration("us")))
    c["Array"] = ([[1.5, 2.5], None], pl.Array(pl.Float32, 2))
    c["Struct"] = ([{"a": 1, "b": "x"}, None, {"a": None, "b": None}], pl.Struct({"a": pl.Int32, "b": pl.String}))

    def write(values, t):
        return lambda path: pl.DataFrame({"c": pl.Series(values, dtype=t)}).write_parquet(path)

    return {name.lower(): write(*v) for name, v in c.items()}


def polars_read(path):
    import polars as pl
    table = pl.read_parquet(path)
    return {"columns": {n: bits(table[n].to_list()) for n in table.columns}, "types": {n: str(t) for n, t in table.schema.items()}}


# --- Spark ------------------------------------------------------------------

SPARK = {
    "boolean": ("BOOLEAN", "true, NULL, false"), "tinyint": ("TINYINT", "-128, NULL, 127"), "smallint": ("SMALLINT", "-32768, NULL, 32767"),
    "int": ("INT", "-2147483648, NULL, 2147483647"), "bigint": ("BIGINT", "-9223372036854775807, NULL, 9223372036854775807"),
    "float": ("FLOAT", "0.1, NULL, 'NaN', '-Infinity'"), "double": ("DOUBLE", "0.1, NULL, 'NaN', 'Infinity'"),
    "decimal5_2": ("DECIMAL(5,2)", "999.99, NULL, -999.99"), "decimal15_2": ("DECIMAL(15,2)", "-9999999999999.99, NULL"), "decimal38_10": ("DECIMAL(38,10)", "9999999999999999999999999999.9999999999, NULL"),
    "string": ("STRING", "'a', NULL, '', 'ä'"), "varchar": ("VARCHAR(10)", "'a', NULL"), "char": ("CHAR(3)", "'abc', NULL"), "binary": ("BINARY", "'ab', NULL, ''"),
    "date": ("DATE", "'2026-01-31', NULL, '1500-01-01', '9999-12-31'"), "timestamp": ("TIMESTAMP", "'2026-01-31 12:30:45.123456', NULL, '1500-01-01 00:00:00', '9999-12-31 23:59:59.999999'"),
    "timestamp_ntz": ("TIMESTAMP_NTZ", "'2026-01-31 12:30:45.123456', NULL, '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999'"),
    "year_month": ("INTERVAL YEAR TO MONTH", "'1-2', NULL, '-1-2'"), "month": ("INTERVAL MONTH", "'5', NULL"), "day_second": ("INTERVAL DAY TO SECOND", "'1 02:03:04.567891', NULL, '-1 00:00:00.000001'"),
    "hour": ("INTERVAL HOUR", "'5', NULL"),
    "array": ("ARRAY<INT>", "array(1, NULL), NULL, array()"), "array_array": ("ARRAY<ARRAY<STRING>>", "array(array('a'), NULL, array()), NULL"),
    "map": ("MAP<STRING, INT>", "map('k', 1, 'l', NULL), NULL, map()"), "struct": ("STRUCT<a: INT, b: STRUCT<t: STRING>>", "named_struct('a', 1, 'b', named_struct('t', 'x')), NULL, named_struct('a', NULL, 'b', NULL)"),
    "array_interval": ("ARRAY<INTERVAL DAY TO SECOND>", "array(INTERVAL '1 02:03:04' DAY TO SECOND), NULL"), "void": ("VOID", "NULL, NULL"),
    # of later versions
    "time": ("TIME(6)", "TIME'12:30:45.123456', NULL"), "variant": ("VARIANT", "parse_json('{\"a\": 1, \"b\": [true, \"x\"]}'), NULL, parse_json('1')"),
    "string_collated": ("STRING COLLATE UNICODE_CI", "'a', NULL"), "geometry": ("GEOMETRY(4326)", "ST_SetSrid(ST_GeomFromWKB(X'0101000000000000000000F03F0000000000000040'), 4326), NULL"),
    "geography": ("GEOGRAPHY(4326)", "ST_GeogFromWKB(X'0101000000000000000000F03F0000000000000040'), NULL"),
}

# Settings that change how Spark writes.
SPARK_ALSO = {
    "decimal5_2_legacy": ("decimal5_2", {"spark.sql.parquet.writeLegacyFormat": "true"}), "array_legacy": ("array", {"spark.sql.parquet.writeLegacyFormat": "true"}),
    "map_legacy": ("map", {"spark.sql.parquet.writeLegacyFormat": "true"}), "array_array_legacy": ("array_array", {"spark.sql.parquet.writeLegacyFormat": "true"}),
    "date_rebased": ("date", {"spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY"}),
    "timestamp_int96": ("timestamp", {"spark.sql.parquet.outputTimestampType": "INT96"}), "timestamp_int96_rebased": ("timestamp", {"spark.sql.parquet.outputTimestampType": "INT96", "spark.sql.parquet.int96RebaseModeInWrite": "LEGACY"}),
    "timestamp_micros": ("timestamp", {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}), "timestamp_millis": ("timestamp", {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MILLIS"}),
    "timestamp_micros_rebased": ("timestamp", {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS", "spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY"}),
    "string_field_id": ("string", {"spark.sql.parquet.fieldId.write.enabled": "true"}), "string_gzip": ("string", {"spark.sql.parquet.compression.codec": "gzip"}),
    "string_lz4": ("string", {"spark.sql.parquet.compression.codec": "lz4"}), "string_lz4_raw": ("string", {"spark.sql.parquet.compression.codec": "lz4_raw"}),
    "string_v2_pages": ("string", {"parquet.writer.version": "v2"}),
    "variant_shredded": ("variant", {"spark.sql.variant.writeShredding.enabled": "true", "spark.sql.variant.forceShreddingSchemaForTest": "a INT, b ARRAY<STRING>"}),
}


def spark_session():
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["TZ"] = "UTC"
    from pyspark.sql import SparkSession
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
             .config("spark.ui.showConsoleProgress", "false").config("spark.sql.timeType.enabled", "true").config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").config("spark.sql.shuffle.partitions", "1")
             .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC").config("spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED")
             .config("spark.sql.parquet.int96RebaseModeInWrite", "CORRECTED").config("spark.sql.parquet.datetimeRebaseModeInRead", "CORRECTED").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    return spark


def spark_cases():
    spark = spark_session()

    def write(t, values, conf):
        def to(path):
            rows = " UNION ALL ".join("SELECT %d AS i, CAST(%s AS %s) AS c" % (i, v, t) for i, v in enumerate(top(values)))
            if t.startswith(("CHAR", "VARCHAR")):
                table = "t_" + os.path.basename(path).split(".")[0].replace("-", "_")
                spark.sql("DROP TABLE IF EXISTS " + table)
                spark.sql("CREATE TABLE %s (c %s) USING parquet LOCATION '%s'" % (table, t, path + ".d"))
                spark.sql("INSERT INTO %s VALUES %s" % (table, ", ".join("(%s)" % v for v in top(values))))
            else:
                old = {k: spark.conf.get(k, None) for k in conf}
                try:
                    for k, v in conf.items():
                        spark.conf.set(k, v)
                    options = {k: v for k, v in conf.items() if not k.startswith("spark.")}
                    spark.sql("SELECT c FROM (%s) ORDER BY i" % rows).coalesce(1).write.options(**options).mode("overwrite").parquet(path + ".d")
                finally:
                    for k, v in old.items():
                        spark.conf.unset(k) if v is None else spark.conf.set(k, v)
            part, = glob.glob(path + ".d/part-*")
            os.replace(part, path)
            shutil.rmtree(path + ".d")
        return to

    cases = {name: write(t, v, {}) for name, (t, v) in SPARK.items()}
    cases.update({name: write(*SPARK[base], conf) for name, (base, conf) in SPARK_ALSO.items()})
    return cases


def spark_read(path):
    spark = spark_session()
    table = spark.read.parquet(path)
    columns = {}
    for f in table.schema.fields:
        # As text, because Python does not support all values of Spark.
        name = "`%s`" % f.name
        kind = f.dataType.typeName()
        text = {"binary": "base64(%s)", "variant": "to_json(%s)", "geometry": "base64(st_asbinary(%s))", "geography": "base64(st_asbinary(%s))"}.get(kind.split("(")[0], "CAST(%s AS STRING)") % name
        columns[f.name] = [r[0] for r in table.selectExpr(text + " AS c").collect()]
    return {"columns": columns, "types": {f.name: [f.dataType.json(), f.nullable, f.metadata] for f in table.schema.fields}}


# ------------------------------------------------------------------------------

CASES = {"pyarrow": pyarrow_cases, "duckdb": duckdb_cases, "polars": polars_cases, "spark35": spark_cases, "spark43": spark_cases}
READ = {"pyarrow": pyarrow_read, "duckdb": duckdb_read, "polars": polars_read, "spark35": spark_read, "spark43": spark_read, "json": as_json}


def first_line(e):
    return str(e).strip().split("\n")[0][:200]


def main():
    what, program = sys.argv[1:3]
    if what == "write":
        os.chdir(sys.argv[3])
        for name, write in CASES[program]().items():
            path = os.path.abspath("%s-%s.parquet" % (program, name))
            try:
                write(path)
            except Exception as e:
                if os.path.exists(path):
                    os.remove(path)
                shutil.rmtree(path + ".d", ignore_errors=True)
                print(json.dumps({"type": name, "error": first_line(e)}))
        shutil.rmtree("spark-warehouse", ignore_errors=True)
        shutil.rmtree("metastore_db", ignore_errors=True)
        return
    for line in sys.stdin:
        try:
            print(json.dumps({"path": line.strip(), "content": READ[program](line.strip())}, default=str), flush=True)
        except BaseException as e:  # a panic of polars is not an Exception
            print(json.dumps({"path": line.strip(), "error": first_line(e)}), flush=True)


if __name__ == "__main__":
    main()
