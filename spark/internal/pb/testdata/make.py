# Writes fields.txt: the fields, enum values and methods in the descriptors of the
# given unpacked pyspark packages.
#
#     pip download --no-deps --no-binary :all: pyspark==4.3.0   (and unpack)
#     python make.py pyspark-3.5.1 pyspark-4.0.5 pyspark-4.1.4 pyspark-4.2.1 pyspark-4.3.0
import ast, pathlib, sys
from google.protobuf import descriptor_pb2

TYPES = {number: name[5:].lower() for name, number in descriptor_pb2.FieldDescriptorProto.Type.items()}
facts = {}


def enum(e, scope):
    for v in e.value:
        facts[f"{scope}.{e.name}.{v.name}"] = f"{v.number}"


def message(m, scope):
    name = f"{scope}.{m.name}"
    for f in m.field:
        of = f.type_name[1:] or TYPES[f.type]
        many = "repeated " if f.label == f.LABEL_REPEATED else "optional " if f.proto3_optional else ""
        facts[f"{name}.{f.name}"] = f"{f.number} {many}{of}"
    for n in m.nested_type:
        message(n, name)
    for e in m.enum_type:
        enum(e, name)


for package in sys.argv[1:]:
    for path in sorted((pathlib.Path(package) / "pyspark/sql/connect/proto").glob("*_pb2.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
                file = descriptor_pb2.FileDescriptorProto.FromString(ast.literal_eval(node.args[0]))
                for m in file.message_type:
                    message(m, file.package)
                for e in file.enum_type:
                    enum(e, file.package)
                for s in file.service:
                    for r in s.method:
                        facts[f"{file.package}.{s.name}.{r.name}"] = f"{r.client_streaming:d}{r.server_streaming:d} {r.input_type[1:]} {r.output_type[1:]}"

with open(pathlib.Path(__file__).parent / "fields.txt", "w") as out:
    for name in sorted(facts):
        print(name, facts[name], file=out)
