"""The API description: what the routes say of themselves, with what holds for all of them added in one place: tokens,
limits, and the refusals that the layers around the routes give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serve.answers import PROBLEM
from serve.asgi import JSON_TYPE
from serve.messages.common import Message, Problem
from serve.security import required_scope
from serve.settings import Limits, ServiceSettings

_ABOUT = (
    "Density weights of a snapshot of RLHF prompts, draws from them, and its map. Every answer names its snapshot; "
    '?snapshot= pins one. Errors are {"detail": sentence}.'
)
_EVERYWHERE = {
    400: "The Host header or the body cannot be used.",
    403: "The token does not allow this, or the page of another origin asks.",
    429: "This client has too many requests in work.",
    503: "The service is busy, has no snapshot yet, or lacks what it needs for this.",
}
_WITH_TOKENS = {401: "A valid token is needed."}
_WITH_INPUT = {422: "Something in the request is not as described."}
_WITH_BODY = {408: "The body came too slowly.", 413: "The body is too large."}
_NOTHING_SAID = "Successful Response"
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def describe(app: FastAPI, settings: ServiceSettings) -> dict[str, Any]:
    """The OpenAPI description of an app under these settings."""
    description = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    for path, method, operation in _operations(description):
        operation["responses"].pop("422", None)
        _name_answers(operation, description["components"]["schemas"])
        _add_refusals(operation, bool(settings.tokens))
        scope = required_scope(method, path)
        if settings.tokens and scope is not None:
            operation["security"] = [{"bearer": [scope]}]
    components = description["components"]
    if settings.tokens:
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"]["Problem"] = Problem.model_json_schema()
    _restore_examples(components["schemas"])
    _add_limits(description, settings.limits)
    return description


def _operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def _name_answers(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """An answer of which the route says nothing is what its message says of itself."""
    for answer in operation["responses"].values():
        if answer["description"] == _NOTHING_SAID:
            reference: str = answer["content"][JSON_TYPE]["schema"]["$ref"]
            answer["description"] = schemas[reference.rpartition("/")[2]]["description"]


def _add_refusals(operation: dict[str, Any], has_tokens: bool) -> None:
    has_body = "requestBody" in operation
    refusals = _EVERYWHERE | (_WITH_TOKENS if has_tokens else {}) | (_WITH_BODY if has_body else {})
    if has_body or operation.get("parameters"):
        refusals = refusals | _WITH_INPUT
    for status, words in refusals.items():
        answer = operation["responses"].setdefault(str(status), {"description": words, "content": PROBLEM})
        if status in (429, 503):
            answer["headers"] = _RETRY


def _restore_examples(schemas: dict[str, Any]) -> None:
    """As they stand in the messages: the framework takes every null out of them."""
    waiting = list(Message.__subclasses__())
    while waiting:
        message = waiting.pop()
        waiting += message.__subclasses__()
        extra = message.model_config.get("json_schema_extra")
        if message.__name__ in schemas and isinstance(extra, dict):
            schemas[message.__name__] |= extra


def _add_limits(description: dict[str, Any], limits: Limits) -> None:
    """The service's own limits, in the schemas of what it takes."""
    schemas = description["components"]["schemas"]
    schemas["EditRequest"]["properties"]["ids"]["maxItems"] = limits.ids
    schemas["PromptsRequest"]["properties"]["ids"]["maxItems"] = limits.results
    schemas["DrawsRequest"]["properties"]["n"]["maximum"] = limits.draws
    schemas["SearchRequest"]["properties"]["limit"]["maximum"] = limits.results
    texts = schemas["TextsRequest"]["properties"]["texts"]
    texts["maxItems"] = limits.texts
    texts["items"]["maxLength"] = limits.text_chars
    body = description["paths"]["/v1/weights"]["post"]["requestBody"]["content"]["application/json"]
    body["schema"] = {**body["schema"], "properties": {"ids": {"maxItems": limits.ids, **_ids_of(body["schema"])}}}


def _ids_of(schema: dict[str, Any]) -> dict[str, Any]:
    ids: dict[str, Any] = schema["properties"]["ids"]
    return ids
