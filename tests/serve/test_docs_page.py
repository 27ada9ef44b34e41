from __future__ import annotations

from serve.docs_page import render_docs

DESCRIPTION = {
    "info": {"title": "A <service>", "description": "What & why."},
    "paths": {
        "/v1/things": {
            "post": {
                "tags": ["things"],
                "description": "Make <b>one</b>.",
                "parameters": [{"name": "snapshot", "in": "query", "description": "Which."}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {"200": {"description": "Made."}, "404": {"description": "There is none."}},
            }
        }
    },
    "components": {"schemas": {"Thing": {"examples": [{"name": "<i>"}]}}},
}


def test_every_operation_is_shown_with_parameters_example_and_answers():
    page = render_docs(DESCRIPTION)
    for part in ("POST /v1/things", "snapshot", "Which.", "{&quot;name&quot;", "404", "There is none."):
        assert part in page


def test_words_are_shown_as_text():
    page = render_docs(DESCRIPTION)
    assert "<b>one" not in page
    assert "<i>" not in page
    assert "A &lt;service&gt;" in page
