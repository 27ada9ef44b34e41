from __future__ import annotations

from serve.messages.snapshots import ManifestAnswer
from serve.tokens import Tokens
from tests.serve.corpus import IDS, SECRET, TEXTS
from tests.serve.patience import until


def test_snapshots_are_listed_with_the_current_one_marked(client, made):
    listed = client.get("/v1/snapshots").json()["snapshots"]
    assert {entry["snapshot_id"]: entry["current"] for entry in listed} == {made.current: True, made.older: False}
    assert client.get("/v1/snapshots/current").json() == {"snapshot_id": made.current}


def test_manifests_and_cards_are_of_the_snapshot_that_is_named(client, made):
    for named, current in (
        (f"/v1/snapshots/{made.older}/manifest", "/v1/manifest"),
        (f"/v1/snapshots/{made.older}/card", "/v1/card"),
    ):
        assert made.older in client.get(named).text
        assert made.current in client.get(current).text
        assert client.get(current, params={"snapshot": made.older}).text == client.get(named).text
        assert client.get(named).headers["x-snapshot-id"] == made.older
    assert ManifestAnswer.model_validate_json(client.get("/v1/manifest").content).snapshot_id == made.current


def test_a_card_shows_no_words_of_prompts(client):
    card = client.get("/v1/card").text
    assert SECRET not in card
    assert not [text for text in TEXTS if text in card]


def test_an_unknown_snapshot_is_404_everywhere(client):
    for path in ("manifest", "card"):
        assert client.get(f"/v1/snapshots/{'0' * 16}/{path}").status_code == 404
        assert client.get(f"/v1/snapshots/latest/{path}").status_code == 422
    for path in ("/v1/weights", "/v1/manifest", "/v1/points", f"/v1/prompts/{IDS[0]}", "/api/embeddings_3d"):
        assert client.get(path, params={"snapshot": "0" * 16}).status_code == 404
        assert client.get(path, params={"snapshot": "latest"}).status_code == 422


def test_an_edit_and_a_switch_change_what_is_answered_and_the_old_one_stays_answerable(store, start, made):
    asked = start(store)
    body = {"ids": [IDS[0]], "factor": 10.0}
    before = weight(asked, {})
    edited = asked.post(f"/v1/snapshots/{made.current}/edits", json=body)
    assert edited.status_code == 201
    child = edited.json()["snapshot_id"]
    assert edited.headers["location"] == f"/v1/snapshots/{child}/manifest"
    assert weight(asked, {}) == before
    manifest = ManifestAnswer.model_validate_json(asked.get(edited.headers["location"]).content)
    assert manifest.parameters["parent"] == made.current
    assert {column.owner for column in manifest.columns} == {None, made.current}
    assert asked.put("/v1/snapshots/current", json={"snapshot_id": child}).json() == {"snapshot_id": child}
    assert weight(asked, {}) > 5 * before
    assert weight(asked, {"snapshot": made.current}) == before
    assert store.current() == child
    again = asked.post(f"/v1/snapshots/{made.current}/edits", json=body)
    assert (again.status_code, again.json()["is_new"], again.json()["snapshot_id"]) == (200, False, child)


def test_the_log_says_whose_token_made_a_change(store, start, made, logged):
    asked = start(store, tokens=Tokens.of([], [f"{'p' * 20} admin"]))
    asked.headers["Authorization"] = f"Bearer {'p' * 20}"
    asked.post(f"/v1/snapshots/{made.current}/edits", json={"ids": IDS[:1], "factor": 2.0})
    asked.put("/v1/snapshots/current", json={"snapshot_id": made.older})
    assert [line.partition(" ")[0] for line in logged.messages if line.endswith("by admin.")] == ["Edit", "Switch"]


def test_a_switch_to_an_unknown_snapshot_changes_nothing(store, start, made):
    asked = start(store)
    assert asked.put("/v1/snapshots/current", json={"snapshot_id": "0" * 16}).status_code == 404
    assert asked.get("/v1/snapshots/current").json() == {"snapshot_id": made.current}


def test_a_switch_elsewhere_is_followed(store, start, made):
    asked = start(store, refresh_seconds=0.05)
    store.set_current(made.older)
    current = until(lambda: asked.get("/v1/snapshots/current").json()["snapshot_id"], lambda one: one != made.current)
    assert current == made.older


def weight(asked, params: dict[str, str]) -> float:
    return asked.post("/v1/weights", json={"ids": [IDS[0]]}, params=params).json()["weights"][0]["probability"]
