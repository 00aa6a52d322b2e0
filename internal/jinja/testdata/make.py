#!/usr/bin/env python3
"""Writes what Python's transformers renders each template of language.jsonl to:

    make.py < language.jsonl > new; mv new language.jsonl

needs PyPI transformers 5.24.0, jinja2 3.1.6 and numpy. Each line is an object
with the template; "out" is its text, and "fails" stands where it has none. The
variables are those of variables.json. The clock stands at noon of 26 July 2024.
"""
import datetime
import json
import pathlib
import sys

import transformers.utils.chat_template_utils as templates


class Stopped(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 12)


templates.datetime = Stopped
variables = json.loads(pathlib.Path(__file__).with_name("variables.json").read_text())
for line in sys.stdin:
    case = {"template": json.loads(line)["template"]}
    try:
        case["out"] = templates._compile_jinja_template(case["template"]).render(**variables)
    except Exception:
        case["fails"] = True
    print(json.dumps(case, ensure_ascii=False))
