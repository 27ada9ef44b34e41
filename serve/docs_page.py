"""The API description as one page of HTML: no scripts, nothing fetched from elsewhere, so it shows on any machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
code, pre { font: 14px/1.4 ui-monospace, monospace; } pre { background: #f4f4f4; padding: .6rem; overflow: auto; }
h2 { margin-top: 2.5rem; } h3 { margin-bottom: .2rem; } td { padding: 0 1rem 0 0; vertical-align: top; }
"""


def render_docs(description: Mapping[str, Any]) -> str:
    """A page with every operation of an OpenAPI description: its words, parameters, an example body, its answers."""
    title = escape(description["info"]["title"])
    body = "\n".join(_sections(description))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"</head><body><h1>{title}</h1><p>{escape(description['info'].get('description', ''))}</p>{body}</body></html>"
    )


def _sections(description: Mapping[str, Any]) -> Iterator[str]:
    operations = [
        (operation["tags"][0], f"{method.upper()} {path}", operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
    ]
    for tag in dict.fromkeys(tag for tag, _, _ in operations):
        yield f"<h2>{escape(tag)}</h2>"
        for of_tag, name, operation in operations:
            if of_tag == tag:
                yield _operation(name, operation, description)


def _operation(name: str, operation: Mapping[str, Any], description: Mapping[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", [])
    )
    answers = "".join(
        f"<tr><td><code>{status}</code></td><td>{escape(answer['description'])}</td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f"<h3><code>{escape(name)}</code></h3><p>{escape(operation.get('description', ''))}</p>"
        f"<table>{parameters}</table>{_body(operation, description)}<table>{answers}</table>"
    )


def _body(operation: Mapping[str, Any], description: Mapping[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return ""
    schema = content["schema"]
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    shown = json.dumps(schema.get("examples", [{}])[0], ensure_ascii=False)
    return f"<pre>{escape(shown)}</pre>"
