from __future__ import annotations

import pytest

from tests.serve.corpus import IDS, TEXTS


def test_one_prompt_and_its_neighbors(client, made):
    prompt = client.get(f"/v1/prompts/{IDS[7]}").json()
    assert (prompt["text"], prompt["snapshot_id"]) == (TEXTS[7], made.current)
    near = client.get(f"/v1/prompts/{IDS[7]}/neighbors", params={"limit": 3}).json()
    assert len(near["neighbors"]) == 3
    assert IDS[7] not in [entry["id"] for entry in near["neighbors"]]


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
