"""Writes the Avro files of this folder. fastavro 1.13.1, cramjam 2.14.0, backports.zstd 1.8.0: python make.py"""
import datetime, decimal, uuid
import fastavro

D, U = decimal.Decimal, datetime.timezone.utc
SCHEMA = {
    "type": "record", "name": "Row", "namespace": "org.example", "fields": [
        {"name": "bool", "type": "boolean"},
        {"name": "int", "type": ["null", "int"]},
        {"name": "long", "type": ["long", "null"]},
        {"name": "float", "type": "float"},
        {"name": "double", "type": "double"},
        {"name": "string", "type": ["null", "string"]},
        {"name": "bytes", "type": "bytes"},
        {"name": "fixed", "type": {"type": "fixed", "name": "Two", "size": 2}},
        {"name": "enum", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "list", "type": {"type": "array", "items": ["null", "int"]}},
        {"name": "map", "type": {"type": "map", "values": "long"}},
        {"name": "record", "type": ["null", {"type": "record", "name": "In", "fields": [{"name": "x", "type": "Kind"}, {"name": "y", "type": {"type": "array", "items": "Two"}}]}]},
        {"name": "again", "type": "In"},
        {"name": "decimal", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "decimal_fixed", "type": ["null", {"type": "fixed", "name": "Wide", "size": 17, "logicalType": "decimal", "precision": 38, "scale": 3}]},
        {"name": "date", "type": {"type": "int", "logicalType": "date"}},
        {"name": "time_millis", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "time_micros", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "ts_millis", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "ts_micros", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
        {"name": "ts_nanos", "type": {"type": "long", "logicalType": "timestamp-nanos"}},
        {"name": "local_millis", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
        {"name": "local_micros", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "uuid", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "duration", "type": {"type": "fixed", "name": "Duration", "size": 12, "logicalType": "duration"}},
        {"name": "number", "type": ["int", "long"]},
        {"name": "real", "type": ["null", "float", "double"]},
        {"name": "union", "type": ["null", "int", "string", "In"]},
    ],
}
T = datetime.datetime(2026, 1, 31, 12, 30, 45, 123456, U)
ROWS = [
    {"bool": True, "int": -2**31, "long": 2**63 - 1, "float": 0.5, "double": 0.1, "string": "ä", "bytes": b"\0\xff", "fixed": b"\1\2", "enum": "B", "list": [1, None], "map": {"b": 1, "a": -2},
     "record": {"x": "A", "y": [b"ab"]}, "again": {"x": "B", "y": []}, "decimal": D("-1.50"), "decimal_fixed": D("12345678901234567890123456789012345.678"),
     "date": datetime.date(2026, 1, 31), "time_millis": datetime.time(12, 30, 45, 123000), "time_micros": datetime.time(12, 30, 45, 123456), "ts_millis": T, "ts_micros": T,
     "ts_nanos": 1769862645123456789, "local_millis": T.replace(tzinfo=None), "local_micros": T.replace(tzinfo=None), "uuid": uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"),
     "duration": bytes([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]), "number": 7, "real": 0.1, "union": "x"},
    {"bool": False, "int": None, "long": None, "float": float("inf"), "double": float("nan"), "string": None, "bytes": b"", "fixed": b"\0\0", "enum": "A", "list": [], "map": {},
     "record": None, "again": {"x": "A", "y": [b"xy", b"zz"]}, "decimal": D("99999999.99"), "decimal_fixed": None,
     "date": datetime.date(1, 1, 1), "time_millis": datetime.time(0), "time_micros": datetime.time(23, 59, 59, 999999), "ts_millis": datetime.datetime(1900, 1, 1, tzinfo=U), "ts_micros": None,
     "ts_nanos": -1, "local_millis": datetime.datetime(1, 1, 1), "local_micros": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), "uuid": uuid.UUID(int=0),
     "duration": bytes([0xff] * 12), "number": 2**40, "real": None, "union": None},
]
for codec in ["null", "deflate", "snappy", "zstandard"]:
    with open(f"{codec}.avro", "wb") as f:
        fastavro.writer(f, SCHEMA, ROWS, codec=codec, sync_interval=1, sync_marker=b"0123456789abcdef")
