"""The API description is complete: examples, limits, refusals, tokens."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from serve.http import make_app
from serve.security import required_scope
from serve.settings import Limits, ServiceSettings
from serve.tokens import Tokens

BODIES = {"EditRequest", "DrawsRequest", "TextsRequest", "SearchRequest", "ExposureReport", "CurrentSnapshot"}


@pytest.fixture(scope="module")
def open_api():
    return make_app(ServiceSettings("store")).openapi()


@pytest.fixture(scope="module")
def guarded_api():
    return make_app(ServiceSettings("store", tokens=Tokens.of(["r" * 20]), limits=Limits(ids=7, draws=9))).openapi()


def operations(api):
    return [(path, method, one) for path, item in api["paths"].items() for method, one in item.items()]


def test_every_operation_says_what_it_does_and_how_it_may_fail(open_api):
    for path, method, one in operations(open_api):
        assert one["description"].endswith("."), path
        assert {"400", "403", "429", "503"} <= set(one["responses"]), path
        assert "401" not in one["responses"]
        assert ("413" in one["responses"]) == ("requestBody" in one), path
        for status, answer in one["responses"].items():
            assert answer["description"], (path, method, status)
            if int(status) >= 400:
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (path, status)


def test_every_body_and_json_answer_has_an_example_that_is_valid(open_api):
    schemas = open_api["components"]["schemas"]
    with_examples = {name: schema for name, schema in schemas.items() if "examples" in schema}
    assert with_examples.keys() >= BODIES | {"WeightsAnswer", "DrawsAnswer", "DensityAnswer", "PromptAnswer"}
    for name, schema in with_examples.items():
        root = {**schema, "components": open_api["components"]}
        Draft202012Validator(root).validate(schema["examples"][0])
        assert schema["additionalProperties"] is False, name


def test_tokens_are_described_where_they_are_needed_and_with_their_scope(open_api, guarded_api):
    assert not [one for *_, one in operations(open_api) if "security" in one]
    assert guarded_api["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}
    for path, method, one in operations(guarded_api):
        scope = required_scope(method.upper(), path)
        assert one.get("security") == (None if scope is None else [{"bearer": [scope]}]), path
        assert "401" in one["responses"]


def test_limits_of_the_service_stand_in_the_schemas(open_api, guarded_api):
    ids = "paths", "/v1/weights", "post", "requestBody", "content", "application/json", "schema", "properties", "ids"
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
        assert names <= {"snapshot", "snapshot_id", "prompt_id", "chunk", "limit", "run"}, path
