from __future__ import annotations

import pytest

from serve.settings import Limits
from tests.serve.corpus import IDS, TEXTS


def test_one_prompt_and_its_neighbors(client, made):
    prompt = client.get(f"/v1/prompts/{IDS[7]}").json()
    assert (prompt["text"], prompt["snapshot_id"]) == (TEXTS[7], made.current)
    near = client.get(f"/v1/prompts/{IDS[7]}/neighbors", params={"limit": 3}).json()
    assert len(near["neighbors"]) == 3
    assert IDS[7] not in [entry["id"] for entry in near["neighbors"]]


def test_the_texts_of_many_prompts_at_once(client, made):
    answer = client.post("/v1/prompts", json={"ids": [IDS[7], "0" * 16, IDS[2], IDS[7], "0" * 16]}).json()
    assert [(one["id"], one["text"]) for one in answer["prompts"]] == [(IDS[7], TEXTS[7]), (IDS[2], TEXTS[2])]
    assert (answer["missing"], answer["snapshot_id"]) == (["0" * 16], made.current)


def test_more_texts_than_are_given_at_once_are_refused(start, made):
    small = start(made.store, limits=Limits(results=2))
    assert len(small.post("/v1/prompts", json={"ids": IDS[:2]}).json()["prompts"]) == 2
    refused = small.post("/v1/prompts", json={"ids": IDS[:3]})
    assert refused.status_code == 422
    assert refused.json()["detail"] == "There are 3 ids, expected at most 2; ask in parts."
    for ids in ([], ["short"], [7], "all"):
        assert small.post("/v1/prompts", json={"ids": ids}).status_code == 422


def test_text_of_a_prompt_is_only_ever_data(client):
    """Markup and control characters come back as JSON strings that no browser takes for a page."""
    answer = client.get(f"/v1/prompts/{IDS[57]}")
    assert answer.json()["text"] == TEXTS[57]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert b"\x1b" not in answer.content


@pytest.mark.parametrize(("identifier", "status"), [("0" * 16, 404), ("A" * 16, 422), ("short", 422), ("%00", 422)])
def test_an_id_that_is_unknown_or_none(client, identifier, status):
    for path in (f"/v1/prompts/{identifier}", f"/v1/prompts/{identifier}/neighbors"):
        assert client.get(path).status_code == status


def test_limits_of_neighbors(client):
    for limit in ("0", "1001", "x", "-1"):
        assert client.get(f"/v1/prompts/{IDS[0]}/neighbors", params={"limit": limit}).status_code == 422
