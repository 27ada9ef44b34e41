"""The API description is complete: examples, limits, refusals, tokens."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from serve.http import make_app
from serve.security import required_scope
from serve.settings import Limits, ServiceSettings
from serve.tokens import Tokens

JSON = "application/json"
WORDS = {
    "application/octet-stream": "bytes",
    "application/vnd.apache.arrow.file": "Arrow file",
    "application/vnd.apache.arrow.stream": "in Arrow",
    "text/html": "HTML",
    "text/plain": "text",
}


@pytest.fixture(scope="module")
def open_api():
    return make_app(ServiceSettings("store")).openapi()


@pytest.fixture(scope="module")
def guarded_api():
    return make_app(ServiceSettings("store", tokens=Tokens.of(["r" * 20]), limits=Limits(ids=7, draws=9))).openapi()


def operations(api):
    return [(path, method, one) for path, item in api["paths"].items() for method, one in item.items()]


def contents(operation):
    """What is sent with success, by media type: the body, and the answers by status."""
    answers = {status: one for status, one in operation["responses"].items() if status < "300"}
    parts = {"body": operation.get("requestBody", {}), **answers}
    return [(what, part["content"]) for what, part in parts.items() if "content" in part]


def resolved(api, schema):
    """The schema itself or the one that it refers to, which may refer to others."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return {**api["components"]["schemas"].get(name, schema), "components": api["components"]}


def test_every_operation_says_what_it_does_and_how_it_may_fail(open_api):
    for path, method, one in operations(open_api):
        assert one["description"].endswith("."), path
        assert {"400", "403", "429", "503"} <= set(one["responses"]), path
        assert "401" not in one["responses"]
        assert ("413" in one["responses"]) == ("requestBody" in one), path
        for status, answer in one["responses"].items():
            assert answer["description"], (path, method, status)
            if int(status) >= 400:
                schema = answer["content"][JSON]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (path, status)


def test_every_parameter_has_an_example_that_it_takes(open_api):
    for path, _, one in operations(open_api):
        for parameter in one.get("parameters", []):
            schema = parameter["schema"]
            assert schema["examples"], (path, parameter["name"])
            for example in schema["examples"]:
                Draft202012Validator(schema).validate(example)


def test_every_json_body_and_answer_has_an_example_that_is_valid(open_api):
    examined = set()
    for path, method, one in operations(open_api):
        for what, content in contents(one):
            if JSON in content:
                schema = resolved(open_api, content[JSON]["schema"])
                assert schema["additionalProperties"] is False, (path, method, what)
                Draft202012Validator(schema).validate(schema["examples"][0])
                examined.add((path, method, what))
    assert {what for *_, what in examined} == {"body", "200", "201"}
    assert len(examined) > 25


def test_an_answer_that_is_not_json_says_which_form_it_has(open_api):
    for path, _, one in operations(open_api):
        for status, answer in one["responses"].items():
            for media_type in answer.get("content", {}).keys() - {JSON}:
                assert WORDS[media_type] in answer["description"], (path, status)
                if media_type == "text/plain":
                    assert answer["content"][media_type]["schema"]["examples"][0].endswith("\n")


def test_no_answer_is_described_in_the_words_of_the_framework(open_api):
    assert "Successful Response" not in str(open_api)


def test_tokens_are_described_where_they_are_needed_and_with_their_scope(open_api, guarded_api):
    assert not [one for *_, one in operations(open_api) if "security" in one]
    assert guarded_api["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}
    for path, method, one in operations(guarded_api):
        scope = required_scope(method.upper(), path)
        assert one.get("security") == (None if scope is None else [{"bearer": [scope]}]), path
        assert "401" in one["responses"]


def test_limits_of_the_service_stand_in_the_schemas(open_api, guarded_api):
    ids = "paths", "/v1/weights", "post", "requestBody", "content", JSON, "schema", "properties", "ids"
    for api, most_ids, most_draws in ((open_api, 100_000, 1_000_000), (guarded_api, 7, 9)):
        found = api
        for key in ids:
            found = found[key]
        assert found["maxItems"] == most_ids
        assert api["components"]["schemas"]["DrawsRequest"]["properties"]["n"]["maximum"] == most_draws


def test_the_framework_s_own_form_of_errors_is_not_described(open_api):
    assert "HTTPValidationError" not in str(open_api)


def test_search_takes_texts_in_bodies_only(open_api):
    assert list(open_api["paths"]["/v1/search"]) == ["post"]
    for path, _, one in operations(open_api):
        names = {parameter["name"] for parameter in one.get("parameters", [])}
        assert names <= {"snapshot", "snapshot_id", "prompt_id", "chunk", "limit", "run", "with"}, path
