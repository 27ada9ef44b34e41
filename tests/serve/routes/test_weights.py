from __future__ import annotations

import hashlib
import io
import threading

import pyarrow as pa
import pytest

from kat_ray.client.weights_client import WeightsClient
from kat_ray.geometry.sampling import draw
from kat_ray.snapshot.weight_table import WeightTable
from kat_ray.snapshot.wire import ARROW_FILE, ARROW_STREAM, decode_draw, decode_lookup, encode_ids
from serve.settings import Limits
from tests.serve.corpus import IDS

AS_FILE = {"Accept": ARROW_FILE}
AS_STREAM = {"Content-Type": ARROW_STREAM}


def test_the_column_in_json_names_its_snapshot_and_every_prompt(client, snapshot):
    answer = client.get("/v1/weights")
    assert answer.json() == {
        "snapshot_id": snapshot.snapshot_id,
        "ids": IDS,
        "weights": snapshot.weights.tolist(),
    }
    assert answer.headers["x-snapshot-id"] == snapshot.snapshot_id
    assert answer.headers["vary"] == "Accept"


def test_the_column_as_a_file_opens_as_a_weight_table_of_the_stated_checksum(client, snapshot, tmp_path):
    answer = client.get("/v1/weights", headers=AS_FILE)
    assert answer.headers["content-type"] == ARROW_FILE
    checksum = answer.headers["x-checksum-blake2b"]
    assert hashlib.blake2b(answer.content, digest_size=32).hexdigest() == checksum
    (tmp_path / "weights.arrow").write_bytes(answer.content)
    table = WeightTable.open(tmp_path / "weights.arrow", checksum)
    assert table.weights.tolist() == snapshot.weights.tolist()
    assert pa.ipc.open_file(io.BytesIO(answer.content)).read_all().num_rows == len(IDS)


@pytest.mark.parametrize("headers", [{}, AS_FILE])
def test_a_client_that_has_it_gets_304(client, made, headers):
    whole = client.get("/v1/weights", headers=headers)
    etag = whole.headers["etag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get("/v1/weights", headers={**headers, "If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert again.headers["x-snapshot-id"] == made.current
    for other in ('"other"', etag.strip('"')):
        assert client.get("/v1/weights", headers={**headers, "If-None-Match": other}).status_code == 200


def test_the_two_forms_and_two_snapshots_have_different_tags(client, made):
    tags = {
        client.get("/v1/weights", headers=headers, params=params).headers["etag"]
        for headers in ({}, AS_FILE)
        for params in ({}, {"snapshot": made.older})
    }
    assert len(tags) == 4


def test_only_an_answer_for_a_named_snapshot_may_be_kept_for_ever(client, made):
    assert client.get("/v1/weights").headers["cache-control"] == "private, no-cache"
    named = client.get("/v1/weights", params={"snapshot": made.current}).headers["cache-control"]
    assert "immutable" in named


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-9", slice(0, 10)), ("bytes=100-", slice(100, None)), ("bytes=-7", slice(-7, None))],
)
def test_a_range_is_that_part_of_the_file(client, asked, part):
    whole = client.get("/v1/weights", headers=AS_FILE)
    piece = client.get("/v1/weights", headers={**AS_FILE, "Range": asked})
    assert (piece.status_code, piece.content) == (206, whole.content[part])
    assert piece.headers["content-range"].endswith(f"/{len(whole.content)}")
    assert piece.headers["etag"] == whole.headers["etag"]


def test_a_download_goes_on_where_it_stopped_unless_the_file_changed(client):
    whole = client.get("/v1/weights", headers=AS_FILE)
    going_on = {**AS_FILE, "Range": "bytes=50-", "If-Range": whole.headers["etag"]}
    assert client.get("/v1/weights", headers=going_on).content == whole.content[50:]
    changed = client.get("/v1/weights", headers={**going_on, "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, whole.content)


@pytest.mark.parametrize("odd", ["bytes=5-2", "bytes=a-b", "lines=0-1", "bytes=0-1,4-5", "bytes=-", "", "bytes=--5"])
def test_an_odd_range_is_passed_over(client, odd):
    answer = client.get("/v1/weights", headers={"Range": odd})
    assert (answer.status_code, len(answer.json()["ids"])) == (200, len(IDS))


@pytest.mark.parametrize("beyond", ["bytes=99999999-", "bytes=-0"])
def test_a_range_behind_the_end_is_416(client, beyond):
    answer = client.get("/v1/weights", headers={"Range": beyond})
    assert answer.status_code == 416
    assert answer.headers["content-range"].startswith("bytes */")


def test_weights_by_ids_in_both_forms(client, snapshot):
    plain = client.post("/v1/weights", json={"ids": [*IDS[:3], "unknown"]})
    assert plain.json()["snapshot_id"] == plain.headers["x-snapshot-id"] == snapshot.snapshot_id
    assert [record["status"] for record in plain.json()["weights"]] == ["present"] * 3 + ["missing"]
    packed = client.post("/v1/weights", content=encode_ids([*IDS[:3], "unknown"]), headers=AS_STREAM)
    assert packed.headers["content-type"] == ARROW_STREAM
    answer = decode_lookup(packed.content)
    assert answer.snapshot_id == snapshot.snapshot_id
    assert answer.weights[:3].tolist() == snapshot.weights[:3].tolist()


def test_the_largest_look_up_is_answered_and_a_larger_one_refused(client):
    ids = [IDS[number % len(IDS)] for number in range(100_000)]
    packed = client.post("/v1/weights", content=encode_ids(ids), headers=AS_STREAM)
    assert decode_lookup(packed.content).present.sum() == 100_000
    refused = client.post("/v1/weights", content=encode_ids([*ids, IDS[0]]), headers=AS_STREAM)
    assert refused.status_code == 422
    assert "100,000" in refused.json()["detail"]


def test_a_body_above_the_limit_is_413(made, start):
    small = start(made.store, limits=Limits(body_bytes=100))
    assert small.post("/v1/weights", json={"ids": ["a" * 200]}).status_code == 413
    chunked = small.post("/v1/weights", content=iter([b"x" * 60, b"x" * 60]), headers=AS_STREAM)
    assert chunked.status_code == 413
    assert "100 bytes" in chunked.json()["detail"]


@pytest.mark.parametrize("kind", ["text/csv", "", "application/json2"])
def test_another_body_is_415(client, kind):
    answer = client.post("/v1/weights", content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 415


def test_draws_are_those_of_every_client(client, snapshot):
    body = {"n": 50, "seed": 7, "epoch": 2, "method": "with_replacement"}
    rows = draw(snapshot.weights, 50, "with_replacement", 7, 2)
    plain = client.post("/v1/draws", json=body)
    assert plain.json() == {
        "snapshot_id": snapshot.snapshot_id,
        "ids": [IDS[row] for row in rows],
        "probabilities": snapshot.weights[rows].tolist(),
    }
    packed = decode_draw(client.post("/v1/draws", json=body, headers={"Accept": ARROW_STREAM}).content)
    assert packed.ids.to_pylist() == plain.json()["ids"]
    assert packed.snapshot_id == snapshot.snapshot_id


def test_the_same_draw_comes_from_every_replica_and_from_a_client_of_the_store(made, start):
    body = {"n": 30, "seed": 2**64 - 1}
    first, second = (start(made.store).post("/v1/draws", json=body).json() for _ in range(2))
    drawn = WeightsClient(made.store.location.path).draw(30, seed=2**64 - 1)
    assert first == second
    assert first["ids"] == drawn.ids.to_pylist()


def test_systematic_draws_give_each_prompt_floor_or_ceil_of_its_share(client, snapshot):
    ids = client.post("/v1/draws", json={"n": 1000, "seed": 3}).json()["ids"]
    for row, name in enumerate(IDS):
        assert abs(ids.count(name) - 1000 * snapshot.weights[row]) < 1


def test_a_pinned_request_is_answered_from_that_snapshot_alone(client, made):
    older = client.post("/v1/weights", json={"ids": IDS[:5]}, params={"snapshot": made.older})
    assert older.json()["snapshot_id"] == older.headers["x-snapshot-id"] == made.older
    current = client.post("/v1/weights", json={"ids": IDS[:5]})
    assert older.json()["weights"] != current.json()["weights"]


def test_a_column_that_is_there_is_answered_while_every_thread_is_busy(made, start):
    asked = start(made.store)
    etag = asked.get("/v1/weights").headers["etag"]
    free = threading.Event()
    service = asked.app.state.service
    busy = [pool.submit(free.wait, 60) for pool in (service._slow, service._texts) for _ in range(4)]
    assert asked.get("/v1/weights", headers={"If-None-Match": etag}).status_code == 304
    assert not any(thread.done() for thread in busy)
    free.set()


def test_texts_that_are_embedded_take_no_thread_from_prompts(made, start):
    asked = start(made.store)
    free = threading.Event()
    busy = [asked.app.state.service._texts.submit(free.wait, 60) for _ in range(4)]
    assert asked.get(f"/v1/prompts/{IDS[0]}").status_code == 200
    assert not any(thread.done() for thread in busy)
    free.set()
