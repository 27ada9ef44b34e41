from __future__ import annotations

from pathlib import Path

import pytest

from kat_ray.snapshot.edits import edit_weights
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.weight_table import WeightTable
from serve.refusals import RefusedError
from serve.services import prompts
from serve.services.points import Points
from serve.services.prompts import Prompts
from serve.services.texts import PREVIEW_CHARS, Texts
from tests.serve.corpus import IDS, STORED_K, TEXTS


def prompts_of(snapshot: Snapshot) -> Prompts:
    texts = Texts(snapshot)
    return Prompts(snapshot, WeightTable.from_snapshot(snapshot), texts, Points(snapshot, texts))


@pytest.fixture
def service(snapshot) -> Prompts:
    return prompts_of(snapshot)


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


def test_the_snapshots_that_one_was_edited_from_are_opened_once(store, monkeypatch):
    child = edit_weights(store, store.current(), IDS[:2], 4.0)
    service, opened = prompts_of(Snapshot.open(store.location, child.snapshot_id)), []
    really = Snapshot.open
    monkeypatch.setattr(Snapshot, "open", lambda *given: opened.append(given) or really(*given))
    assert [service.prompt(identifier)["edit_factors"] for identifier in IDS[:3]] == [[4.0], [4.0], []]
    assert len(opened) == 1


def test_edits_are_told_again_once_the_snapshots_before_them_are_whole_again(store):
    middle = edit_weights(store, store.current(), IDS[:2], 4.0)
    child = edit_weights(store, middle.snapshot_id, IDS[:1], 0.5)
    service = prompts_of(Snapshot.open(store.location, child.snapshot_id))
    folder = Path(store.folder(middle.snapshot_id).path)
    folder.rename(folder.with_name("away"))
    assert service.prompt(IDS[0])["edit_factors"] is None
    folder.with_name("away").rename(folder)
    assert service.prompt(IDS[0])["edit_factors"] == [4.0, 0.5]


def test_texts_of_many_prompts_come_whole_each_once_in_the_order_asked_for(service, snapshot):
    found = service.texts([IDS[9], "0" * 16, IDS[3], IDS[9]])
    assert [(one["id"], one["text"]) for one in found["prompts"]] == [(IDS[row], TEXTS[row]) for row in (9, 3)]
    assert found["missing"] == ["0" * 16]
    assert [one["weight"] for one in found["prompts"]] == snapshot.weights[[9, 3]].tolist()
    assert [one["density_percentile"] for one in found["prompts"]] == snapshot.density_percentile[[9, 3]].tolist()
    assert max(len(one["text"]) for one in service.texts(IDS)["prompts"]) > PREVIEW_CHARS
    assert service.texts(["0" * 16]) == {"prompts": [], "missing": ["0" * 16]}


@pytest.mark.parametrize("identifier", ["0" * 16, "not an id", ""])
def test_an_unknown_prompt_is_refused_without_its_id(service, identifier):
    for ask in (service.prompt, lambda name: service.neighbors(name, 3)):
        with pytest.raises(RefusedError, match="no prompt of this id") as refused:
            ask(identifier)
        assert refused.value.status == 404
        assert not identifier or identifier not in str(refused.value)
