"""What edits did to the weight of one prompt, told from the weights alone."""

from __future__ import annotations

import pytest

from kat_ray.snapshot.card import explain
from kat_ray.snapshot.edits import edit_weights
from kat_ray.snapshot.lineage import edit_factors, edit_steps, edits, rescaling
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store


@pytest.fixture
def first(store: Store) -> Snapshot:
    return Snapshot.open(store.location)


def _edited(store: Store, parent: Snapshot, rows: slice, factor: float) -> Snapshot:
    child = edit_weights(store, parent.snapshot_id, parent.ids[rows], factor)
    return Snapshot.open(store.location, child.snapshot_id)


def test_a_built_snapshot_was_not_edited(first):
    assert list(edit_steps(first)) == []
    assert edits(first) == edit_factors(first, 0) == []


@pytest.mark.parametrize("factor", [1e-6, 0.5, 1.001, 3.0, 1e6])
@pytest.mark.parametrize("num_edited", [1, 7, 11, 12])
def test_the_edited_rows_are_told_from_the_others_however_many_they_are(store, first, factor, num_edited):
    child = _edited(store, first, slice(0, num_edited), factor)
    factors = [edit_factors(child, row) for row in range(12)]
    assert factors == [[factor]] * num_edited + [[]] * (12 - num_edited)
    assert child.weights[0] == pytest.approx(first.weights[0] * factor * rescaling(child, first))


def test_a_factor_of_one_edits_nothing(store, first):
    assert edit_factors(_edited(store, first, slice(0, 5), 1.0), 0) == []


def test_factors_of_several_edits_come_in_their_order(store, first):
    last = first
    for rows, factor in ((slice(0, 6), 4.0), (slice(3, 9), 0.5), (slice(4, 5), 8.0)):
        last = _edited(store, last, rows, factor)
    assert [edit_factors(last, row) for row in (0, 3, 4, 8, 9)] == [[4.0], [4.0, 0.5], [4.0, 0.5, 8.0], [0.5], []]
    assert [(edit.factor, edit.named.sum()) for edit in edits(last)] == [(4.0, 6), (0.5, 6), (8.0, 1)]
    assert [parent.snapshot_id for _, parent in edit_steps(last)][-1] == first.snapshot_id
    assert "multiplied by 4, then by 0.5; all" in explain(last, last.ids[3].as_py())


def test_what_cannot_be_told_any_more_is_said(store, first):
    middle = _edited(store, first, slice(0, 6), 4.0)
    last = _edited(store, middle, slice(0, 1), 2.0)
    store.folder(middle.snapshot_id).delete()
    assert edit_factors(last, 0) is None
    assert "edited        not known: a snapshot from" in explain(last, last.ids[0].as_py())
