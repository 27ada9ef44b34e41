from __future__ import annotations

import pytest

from kat_ray.snapshot.weight_table import WeightTable
from serve.refusals import RefusedError
from serve.services import prompts
from serve.services.points import Points
from serve.services.prompts import Prompts
from serve.services.texts import Texts
from tests.serve.corpus import IDS, STORED_K, TEXTS


@pytest.fixture
def service(snapshot) -> Prompts:
    texts = Texts(snapshot)
    return Prompts(snapshot, WeightTable.from_snapshot(snapshot), texts, Points(snapshot, texts))


def test_a_prompt_shows_all_that_the_snapshot_knows(service, snapshot):
    shown = service.prompt(IDS[3])
    assert (shown["id"], shown["row"], shown["text"]) == (IDS[3], 3, TEXTS[3])
    assert shown["messages"] == [{"role": "user", "content": TEXTS[3]}]
    assert (shown["source"], shown["num_pairs"], shown["num_complete_pairs"]) == ("hh-rlhf", 1, 1)
    assert shown["pairs"][0]["chosen"] == "good 3"
    assert shown["weight"] == snapshot.weights[3]
    assert shown["loss_weight"] == pytest.approx(snapshot.weights[3] * len(IDS))
    assert shown["density"] == snapshot.density[3]
    assert (shown["cluster"], shown["cluster_terms"], shown["duplicate_of"]) == (0, ["bake"], IDS[3])
    assert service.prompt(IDS[56])["cluster_terms"] == []


def test_more_pairs_than_are_shown_are_counted(service, monkeypatch):
    monkeypatch.setattr(prompts, "MOST_PAIRS", 0)
    shown = service.prompt(IDS[3])
    assert (shown["pairs"], shown["more_pairs"]) == ([], 1)


def test_neighbors_are_the_stored_ones_nearest_first(service, snapshot):
    found = service.neighbors(IDS[3], 4)
    assert found["id"] == IDS[3]
    assert [IDS.index(entry["id"]) for entry in found["neighbors"]] == snapshot.neighbor_indices[3, :4].tolist()
    assert [entry["distance"] for entry in found["neighbors"]] == snapshot.neighbor_distances[3, :4].tolist()
    assert len(service.neighbors(IDS[3], 1000)["neighbors"]) == STORED_K


@pytest.mark.parametrize("identifier", ["0" * 16, "not an id", ""])
def test_an_unknown_prompt_is_refused_without_its_id(service, identifier):
    for ask in (service.prompt, lambda name: service.neighbors(name, 3)):
        with pytest.raises(RefusedError, match="no prompt of this id") as refused:
            ask(identifier)
        assert refused.value.status == 404
        assert not identifier or identifier not in str(refused.value)
