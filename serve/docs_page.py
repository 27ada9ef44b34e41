"""The API description as one page of HTML: no scripts, nothing fetched from elsewhere, so it shows on any machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, TypeAlias

_Part: TypeAlias = Mapping[str, Any]
_Refusals: TypeAlias = set[tuple[str, str]]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { background: #f4f4f4; padding: .6rem; margin: .3rem 0 .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 0; } h3 { margin: 1.5rem 0 0; } h3 code { font-size: 1rem; } p { margin: .2rem 0; }
table { width: 100%; } td { padding: 0; vertical-align: top; } td:first-child { width: 8rem; }
"""


def render_docs(description: _Part) -> str:
    """A page with every operation of an OpenAPI description: its words, parameters and answers, with examples."""
    title = escape(description["info"]["title"])
    body = "\n".join(_sections(description))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"</head><body><h1>{title}</h1><p>{escape(description['info'].get('description', ''))}</p>{body}</body></html>"
    )


def _sections(description: _Part) -> Iterator[str]:
    operations = {
        f"{method.upper()} {path}": operation
        for path, item in description["paths"].items()
        for method, operation in item.items()
    }
    told: _Refusals = set()
    for words, of_kind in _kinds(list(operations.values())).items():
        common = _common(of_kind) - told
        told |= common
        yield f"<p>{words}</p>{_table(sorted(common))}" if common else ""
    for tag in dict.fromkeys(operation["tags"][0] for operation in operations.values()):
        yield f"<h2>{escape(tag)}</h2>"
        for name, operation in operations.items():
            if operation["tags"][0] == tag:
                yield _section(name, operation, description["components"]["schemas"], told)


def _section(name: str, operation: _Part, schemas: _Part, told: _Refusals) -> str:
    parameters = [(one["name"], _words(one)) for one in operation.get("parameters", [])]
    answers = [
        (status, answer["description"], *(_examples(answer, schemas) if status < "300" else ()))
        for status, answer in sorted(operation["responses"].items())
        if (status, answer["description"]) not in told
    ]
    body = [("body", "", *_examples(operation.get("requestBody", {}), schemas))] if "requestBody" in operation else []
    return (
        f"<h3><code>{escape(name)}</code></h3><p>{escape(operation.get('description', ''))}</p>"
        f"{_table([*parameters, *body, *answers])}"
    )


def _kinds(operations: list[_Part]) -> dict[str, list[_Part]]:
    """Operations whose common refusals are told once, and the words for that; wider kinds first."""
    with_body = [operation for operation in operations if "requestBody" in operation]
    with_parameters = [operation for operation in operations if operation.get("parameters")]
    return {
        "Every route may answer:": operations,
        "Every route with parameters or a body may also answer:": with_parameters + with_body,
        "Every route with a body may also answer:": with_body,
    }


def _common(operations: list[_Part]) -> _Refusals:
    """The refusals that all of them have in the same words."""
    refusals = [
        {(status, answer["description"]) for status, answer in operation["responses"].items() if status >= "400"}
        for operation in operations
    ]
    return set.intersection(*refusals) if refusals else set()


def _words(parameter: _Part) -> str:
    example = f" Such as {example}." if (example := parameter["schema"].get("examples", [""])[0]) != "" else ""
    return f"In the {parameter['in']}. {parameter.get('description', '')}{example}"


def _examples(part: _Part, schemas: _Part) -> Iterator[str]:
    """Of a body or an answer: one of each form that is text."""
    for content in part.get("content", {}).values():
        schema = content["schema"]
        schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        for example in schema.get("examples", [])[:1]:
            yield example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    """A row for each name, its words and its examples."""
    lines = (
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(words)}"
        f"{''.join(f'<pre>{escape(example)}</pre>' for example in examples)}</td></tr>"
        for name, words, *examples in rows
    )
    return f"<table>{''.join(lines)}</table>"
