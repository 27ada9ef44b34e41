from __future__ import annotations

import numpy as np
import pytest

from kat_ray.geometry.sampling import draw
from kat_ray.snapshot.weight_table import WeightTable
from kat_ray.snapshot.wire import decode_lookup, encode_ids
from serve.refusals import RefusedError
from serve.services.weights import WeightsService
from tests.serve.corpus import IDS


@pytest.fixture
def service(snapshot) -> WeightsService:
    return WeightsService(WeightTable.from_snapshot(snapshot), max_ids=100, max_draws=1000)


def test_every_id_has_a_record_in_the_order_asked_for(service, snapshot):
    asked = [IDS[3], "not an id", IDS[1], "0" * 16, IDS[3], ""]
    found = service.look_up(asked)
    records = found.content["weights"]
    assert [record["id"] for record in records] == asked
    assert [record["status"] for record in records] == [
        "present",
        "missing",
        "present",
        "missing",
        "present",
        "missing",
    ]
    assert records[0] == records[4]
    assert records[0]["probability"] == snapshot.weights[3]
    assert records[0]["loss_weight"] == pytest.approx(snapshot.weights[3] * len(IDS))
    assert records[0]["density_percentile"] == snapshot.density_percentile[3]
    assert (records[1]["probability"], records[1]["loss_weight"], records[1]["density_percentile"]) == (None, 1.0, None)
    assert (found.num_ids, found.num_present) == (6, 3)


def test_the_binary_form_has_the_same_numbers(service):
    asked = [*IDS[:10], "unknown"]
    plain, packed = service.look_up(asked).content["weights"], service.look_up_binary(encode_ids(asked))
    answer = decode_lookup(packed.content)
    assert answer.present.tolist() == [record["status"] == "present" for record in plain]
    assert answer.weights[:10].tolist() == [record["probability"] for record in plain[:10]]
    assert answer.loss_weights.tolist() == [record["loss_weight"] for record in plain]
    assert np.isnan(answer.weights[10])
    assert (packed.num_ids, packed.num_present) == (11, 10)


def test_no_ids_and_too_many_are_refused(service):
    for ids in ([], ["a"] * 101):
        with pytest.raises(RefusedError, match="expected 1 to 100") as refused:
            service.look_up(ids)
        assert refused.value.status == 422
        with pytest.raises(RefusedError, match="expected 1 to 100"):
            service.look_up_binary(encode_ids(ids))


@pytest.mark.parametrize("message", [b"", b"no arrow", b"\xff" * 64])
def test_bytes_that_are_no_message_of_ids_are_refused(service, message):
    with pytest.raises(RefusedError, match="key: uint64 or id: string") as refused:
        service.look_up_binary(message)
    assert refused.value.status == 422


@pytest.mark.parametrize("method", ["systematic", "with_replacement", "without_replacement"])
def test_a_draw_is_the_one_that_any_client_makes(service, snapshot, method):
    drawn = service.draw(40, 7, 3, method)
    rows = draw(snapshot.weights, 40, method, 7, 3)
    assert drawn.ids.to_pylist() == snapshot.ids.take(rows).to_pylist()
    assert drawn.probabilities.tolist() == snapshot.weights[rows].tolist()
    assert service.draw(40, 7, 4, method).ids != drawn.ids


def test_draws_that_are_too_many_are_refused(service):
    with pytest.raises(RefusedError, match="at most 1,000") as too_many:
        service.draw(1001, 0, 0, "systematic")
    with pytest.raises(RefusedError, match="60 rows") as not_so_many_prompts:
        service.draw(61, 0, 0, "without_replacement")
    assert (too_many.value.status, not_so_many_prompts.value.status) == (422, 409)
