#!/usr/bin/env python3
"""Writes the tokens that Python's transformers computes for chats with chat templates:

    make.py [FOLDER] > FOLDER/goldens.json

It needs the PyPI packages transformers 5.24.0, jinja2 3.1.6 and tokenizers 0.23.1. FOLDER, by default
the folder of this script, holds NAME.jinja files. families.json there has, for each template, the
tokenizer in internal/tokenizer/testdata, the tokens to add to it, and its special tokens. Without
families.json all templates use the tokenizer llama3.json, and texts in the template that look like
control tokens are added to it.

The date is 26 July 2024 and enable_thinking is false. If a template rejects or omits a system message,
the system message and an empty line are added before the user message. If a template omits texts, they
are passed as lists with one part.

Each chat has its ids, or the error. "safe" are the ids with sanitize_control_tokens=True if they differ.
"""
import copy
import datetime
import json
import pathlib
import re
import sys
import tempfile

import transformers.utils.chat_template_utils as templates
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).resolve().parent
TOKENIZERS = HERE.parent.parent.parent / "tokenizer" / "testdata"


class Stopped(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 12)


templates.datetime = Stopped

SYSTEM = "Be brief.  Say <b>why</b>.\n"
CHATS = [
    [("user", "What is 12345 + 1?")],
    [("system", SYSTEM), ("user", " Hi there!\n\nHow are  you? ")],
    [("user", "é\u0301 😀\tx"), ("assistant", "Yes, it is."), ("user", "\n\nWhy?\n")],
    [("system", SYSTEM), ("user", "a"), ("assistant", "\nb\n"), ("user", "<table>c</table>")],
    [("system", "\n"), ("user", "  x"), ("assistant", "y"), ("user", "z "), ("assistant", " w"), ("user", "1\n2\n\n3")],
]


def forged(tokens):
    """Returns a chat with all control tokens in its texts."""
    return [("system", "s " + " ".join(tokens)), ("user", "".join(tokens) + "u"), ("assistant", "a\n" + "\n".join(tokens)), ("user", "v" + tokens[0])]


def tokenizer(family):
    data = json.loads((TOKENIZERS / family["base"]).read_text())
    data.update(family["set"])
    size = max([t["id"] for t in data["added_tokens"]] + [len(data["model"]["vocab"]) - 1]) + 1
    known = {t["content"] for t in data["added_tokens"]}
    for token in family["added"]:
        if token["content"] not in known:
            id = data["model"]["vocab"].get(token["content"], size)
            data["added_tokens"].append({"id": id, "single_word": False, "lstrip": False, "rstrip": False, **token})
            size = max(size, id + 1)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(data, f)
        f.flush()
        return PreTrainedTokenizerFast(tokenizer_file=f.name, **family["special"])


def messages(chat, merged, parts):
    out, lead = [], ""
    for role, text in chat:
        if merged and role == "system":
            lead = text + "\n\n"
            continue
        text, lead = lead + text, ""
        out.append({"role": role, "content": [{"type": "text", "text": text}] if parts else text})
    return out


def guess(tok):
    def all_there(chat, **how):
        try:
            text = tok.apply_chat_template(messages(chat, **how), tokenize=False, add_generation_prompt=True, enable_thinking=False)
            return all(t in text for _, t in chat)
        except Exception:
            return False
    parts = not all_there([("user", "Usr")], merged=False, parts=False)
    return dict(merged=not all_there([("system", "Sys"), ("user", "Usr")], merged=False, parts=parts), parts=parts)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    families = folder / "families.json"
    if families.exists():
        families = json.loads(families.read_text())
    else:
        families = []
        for file in sorted(folder.glob("*.jinja")):
            marks = sorted(set(re.findall(r"<[|｜]?[^<>\s{}'\"+~]{1,40}>|\[/?[A-Z_]{3,}\]", file.read_text())) - {"<user>"})
            families.append({"name": file.stem, "base": "llama3.json", "set": {}, "special": {"bos_token": "<s>", "eos_token": "</s>"},
                             "added": [{"content": m, "special": i % 2 == 0, "normalized": False} for i, m in enumerate(dict.fromkeys(["<s>", "</s>"] + marks))]})
    out = []
    for family in families:
        tok = tokenizer(family)
        tok.chat_template = (folder / (family["name"] + ".jinja")).read_text()
        how = guess(tok)
        result = {**family, **how, "chats": []}
        controls = [t for t in tok._get_control_tokens(tok.chat_template)]
        for chat in CHATS + ([forged(controls)] if controls else []):
            case = {"messages": chat}
            def ids(**more):
                return tok.apply_chat_template(messages(chat, **how), add_generation_prompt=True, enable_thinking=False, **more)["input_ids"]
            try:
                case["ids"] = ids()
                try:
                    safe = ids(sanitize_control_tokens=True)
                    if safe != case["ids"]:
                        case["safe"] = safe
                except ValueError as e:
                    case["unsafe"] = str(e)
            except Exception as e:
                case["error"] = str(e).split("\n")[0]
            result["chats"].append(case)
        out.append(result)
    print("[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in out) + "\n]")


main()
