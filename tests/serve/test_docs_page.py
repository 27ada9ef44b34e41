from __future__ import annotations

from serve.docs_page import render_docs

BUSY = {"429": {"description": "Too many."}}
MADE = {"application/json": {"schema": {"examples": [{"size": 12}]}}}
WHICH = {"name": "snapshot", "in": "query", "description": "Which.", "schema": {"examples": [8]}}
DESCRIPTION = {
    "info": {"title": "A <service>", "description": "What & why."},
    "paths": {
        "/v1/things": {
            "get": {
                "tags": ["things"],
                "description": "List them.",
                "parameters": [WHICH],
                "responses": {"200": {"description": "All of them."}, **BUSY},
            },
            "post": {
                "tags": ["things"],
                "description": "Make <b>one</b>.",
                "parameters": [WHICH],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {
                    "200": {"description": "Made.", "content": MADE},
                    "404": {"description": "There is none."},
                    "413": {"description": "Too large."},
                    **BUSY,
                },
            },
            "put": {
                "tags": ["things"],
                "requestBody": {"content": {"text/csv": {"schema": {}}}},
                "responses": {"413": {"description": "Too large."}, **BUSY},
            },
        }
    },
    "components": {"schemas": {"Thing": {"examples": [{"name": "<i>"}]}}},
}


def test_every_operation_is_shown_with_parameters_examples_and_answers():
    page = render_docs(DESCRIPTION)
    for part in ("POST /v1/things", "snapshot", "Which. Such as 8.", "{&quot;name&quot;", "404", "There is none."):
        assert part in page
    assert "All of them." in page
    assert "Made.<pre>{&quot;size&quot;: 12}</pre>" in page


def test_what_all_operations_of_a_kind_refuse_is_told_once_before_them():
    page = render_docs(DESCRIPTION)
    assert page.count("Too many.") == page.count("Too large.") == page.count("There is none.") == 1
    places = [page.index(part) for part in ("Every route may", "Too many", "with a body may", "Too large", "GET /v1")]
    assert places == sorted(places)
    assert page.index("There is none.") > page.index("POST /v1/things")


def test_words_are_shown_as_text():
    page = render_docs(DESCRIPTION)
    assert "<b>one" not in page
    assert "<i>" not in page
    assert "A &lt;service&gt;" in page
