from __future__ import annotations

import logging

import pytest

from serve.settings import Limits
from tests.serve.corpus import IDS, SECRET, TEXTS


def test_density_of_unseen_text(client, made):
    answer = client.post("/v1/density", json={"texts": ["How do I bake bread number 9?", "Tax law of ships"]})
    assert answer.status_code == 200
    assert answer.json()["snapshot_id"] == made.current
    crowded, rare = answer.json()["results"]
    assert crowded["weight"] < rare["weight"]


def test_a_projected_prompt_stands_on_its_point(client, snapshot):
    place = client.post("/v1/project", json={"texts": [TEXTS[4]]}).json()["results"][0]
    assert [place["x"], place["y"], place["z"]] == pytest.approx(snapshot.layout[4].tolist(), abs=1e-6)


def test_search_by_substring_and_by_meaning(client):
    by_words = client.post("/v1/search", json={"text": "RISOTTO number 3"}).json()
    by_meaning = client.post("/v1/search", json={"text": "bake risotto number 3", "mode": "meaning", "limit": 2}).json()
    assert by_words["results"][0]["id"] == by_meaning["results"][0]["id"]
    assert (by_words["total"], len(by_meaning["results"])) == (1, 2)


def test_texts_above_the_limits_are_422_with_the_limit(made, start):
    small = start(made.store, limits=Limits(texts=2, text_chars=10, results=3))
    for body, limit in (({"texts": ["a"] * 3}, "at most 2"), ({"texts": ["a" * 11]}, "at most 10")):
        for route in ("/v1/density", "/v1/project"):
            answer = small.post(route, json=body)
            assert answer.status_code == 422
            assert limit in answer.json()["detail"]
    answer = small.post("/v1/search", json={"text": "a", "limit": 4})
    assert (answer.status_code, "at most 3" in answer.json()["detail"]) == (422, True)


def test_a_service_without_the_encoder_says_so_and_answers_all_else(made, start, tmp_path):
    lacking = start(made.store, encoder=f"checkpoint:{tmp_path}")
    for route, body in (
        ("/v1/density", {"texts": [SECRET]}),
        ("/v1/project", {"texts": [SECRET]}),
        ("/v1/search", {"text": SECRET, "mode": "meaning"}),
    ):
        answer = lacking.post(route, json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "encoder" in answer.json()["detail"]
        assert SECRET not in answer.text
    assert lacking.post("/v1/search", json={"text": SECRET}).json()["total"] == 1


def test_nothing_that_was_asked_is_logged(client, caplog):
    with caplog.at_level(logging.DEBUG):
        client.post("/v1/density", json={"texts": [SECRET]})
        client.post("/v1/search", json={"text": SECRET})
        client.post("/v1/search", json={"text": SECRET, "mode": SECRET})
        client.get(f"/v1/prompts/{IDS[58]}")
        client.post("/v1/weights", json={"ids": [IDS[58]]})
    own = [record for record in caplog.records if not record.name.startswith("httpx")]
    assert not [word for word in (SECRET, IDS[58]) for record in own if word in record.getMessage()]
