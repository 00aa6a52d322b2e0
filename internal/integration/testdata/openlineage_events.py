"""Reads OpenLineage events, one a line, into the classes of the client openlineage-python, and compares what the client
writes of them with the lines. A member that the specification does not have, and a value that it does not allow, is an error.

usage: openlineage_events.py FILE
"""

import importlib
import json
import pkgutil
import sys
import typing

import attr
from openlineage.client import event_v2, generated
from openlineage.client.generated import base
from openlineage.client.serde import Serde


@attr.define
class Ours(base.BaseFacet):
    """The facet firesteel_ai."""

    functions: list = attr.field(factory=list)

    @staticmethod
    def _get_schema():
        return "https://raw.githubusercontent.com/firesteel/firesteel/main/internal/lineage/facet.json"


facets = {Ours._get_schema(): Ours}
for module in pkgutil.iter_modules(generated.__path__):
    for name, member in vars(importlib.import_module("openlineage.client.generated." + module.name)).items():
        if isinstance(member, type) and hasattr(member, "_get_schema"):
            facets[member._get_schema()] = member


def make(kind, value):
    """Makes an object of a class of the client, and of the classes of its members."""
    if kind is None or value is None:
        return value
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return [make(inner[0], v) for v in value]
    if origin is dict:
        return {k: make(inner[1], v) for k, v in value.items()}
    if inner:  # X | None
        return make(inner[0], value)
    if not attr.has(kind):
        assert kind is typing.Any or isinstance(value, kind), f"{value!r} is not {kind}"
        return value
    types = typing.get_type_hints(kind)
    members = {k: make(types.get(k), v) for k, v in value.items() if k not in ("_producer", "_schemaURL", "facets", "inputFacets", "outputFacets")}
    if "_schemaURL" in value:
        members["producer"] = value["_producer"]
    made = kind(**members)
    for group in "facets", "inputFacets", "outputFacets":
        for name, facet in value.get(group, {}).items():
            getattr(made, group)[name] = make(facets[facet["_schemaURL"]], facet)
    return made


kinds = []
for line in open(sys.argv[1], encoding="utf-8"):
    event = json.loads(line)
    assert event["schemaURL"] == event_v2.RunEvent._get_schema(), event["schemaURL"]
    made = event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]],
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=make(event_v2.Run, event["run"]),
        job=make(event_v2.Job, event["job"]),
        inputs=[make(event_v2.InputDataset, d) for d in event["inputs"]],
        outputs=[make(event_v2.OutputDataset, d) for d in event["outputs"]],
    )
    written = json.loads(Serde.to_json(made))

    def same(ours, theirs, at=""):
        """Whatever we write, the client writes too; it adds empty members."""
        if isinstance(ours, dict):
            for k, v in ours.items():
                if v == {} and k not in theirs or v == [] and k not in theirs:
                    continue
                assert k in theirs, f"{at}.{k} is missing in {theirs}"
                same(v, theirs[k], f"{at}.{k}")
        elif isinstance(ours, list):
            assert len(ours) == len(theirs), at
            for i, (a, b) in enumerate(zip(ours, theirs)):
                same(a, b, f"{at}[{i}]")
        else:
            assert ours == theirs, f"{at}: {ours!r} became {theirs!r}"

    same(event, written)
    kinds.append(event["eventType"])
print(*kinds)
