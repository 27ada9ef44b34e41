"""Edits and the switch to their result, through the catalog that serves them."""

from __future__ import annotations

import pytest

from kat_ray.snapshot.snapshot import Snapshot
from serve.catalog import SnapshotCatalog
from serve.refusals import RefusedError
from serve.served import ServedSnapshot
from serve.services.encoders import Encoders
from serve.services.publishing import Publishing
from serve.settings import Limits
from serve.tokens import Holder
from tests.serve.corpus import IDS


def catalog_of(location) -> SnapshotCatalog:
    def open_one(snapshot_id: str | None) -> ServedSnapshot:
        return ServedSnapshot.open(location, snapshot_id, Encoders(), "cpu", Limits())

    catalog = SnapshotCatalog(location, open_one, lambda *_: None)
    catalog.refresh()
    return catalog


@pytest.fixture
def catalog(store) -> SnapshotCatalog:
    return catalog_of(store.location)


@pytest.fixture
def publishing(catalog) -> Publishing:
    return Publishing(catalog, max_ids=10)


def test_an_edit_makes_a_child_that_is_served_once_it_is_switched_to(publishing, catalog, store, made):
    before = Snapshot.open(store.location).weights
    edited = publishing.edit(made.current, IDS[:2], 4.0)
    assert edited.is_new
    assert catalog.current().snapshot_id == store.current() == made.current
    served = catalog.switch(edited.snapshot_id)
    ratio = served.table.weights / before
    assert ratio[:2] == pytest.approx(4 * ratio[2])
    assert served.prompts.prompt(IDS[5])["text"]
    assert len(served.unseen.density(["How do I bake bread?"])[0]["neighbors"]) == 5


def test_the_same_edit_is_the_same_child(publishing, made):
    first, second = (publishing.edit(made.current, IDS[:2], 4.0) for _ in range(2))
    assert first.snapshot_id == second.snapshot_id
    assert (first.is_new, second.is_new) == (True, False)


def test_unseen_text_gets_the_weight_without_the_edit(publishing, catalog, made):
    text = ["How do I bake bread number 9 at home?"]
    plain = catalog.current().unseen.density(text)[0]["weight"]
    edited = publishing.edit(made.current, IDS[:2], 4.0)
    child = catalog.get(edited.snapshot_id)
    scale = child.table.weights[9] / catalog.current().table.weights[9]
    assert child.unseen.density(text)[0]["weight"] == pytest.approx(plain * scale)


@pytest.mark.parametrize(
    ("holder", "who"),
    [
        (None, "without a token"),
        (Holder("publish", 1), "by a token without a name"),
        (Holder("publish", 0, "admin"), "by admin"),
    ],
)
def test_each_change_is_one_line_of_the_log_without_ids_of_prompts(publishing, made, logged, holder, who):
    child = publishing.edit(made.current, [IDS[0], *IDS[:2]], 4.0, holder).snapshot_id
    publishing.switch(child, holder)
    lines = [line for line in logged.messages if "asked for" in line]
    assert lines == [
        f"Edit of snapshot {made.current}: weights of 2 prompts times 4, published as snapshot {child}, "
        f"asked for {who}.",
        f"Switch from snapshot {made.current} to {child} of {len(IDS)} prompts, asked for {who}.",
    ]
    assert not [name for name in IDS if name in logged.text]


def test_what_is_refused_is_no_change_and_is_not_logged_as_one(publishing, made, logged):
    for refused in (lambda: publishing.edit(made.current, ["0" * 16], 2.0), lambda: publishing.switch("0" * 16)):
        with pytest.raises(RefusedError):
            refused()
    assert not [line for line in logged.messages if "asked for" in line]


@pytest.mark.parametrize(
    ("ids", "factor", "status"),
    [([*IDS[:2], "0" * 16], 2.0, 404), ([], 2.0, 422), (IDS[:11], 2.0, 422), (IDS[:1], -1.0, 409)],
)
def test_what_cannot_be_edited_is_refused_and_nothing_is_published(publishing, store, made, ids, factor, status):
    with pytest.raises(RefusedError) as refused:
        publishing.edit(made.current, ids, factor)
    assert refused.value.status == status
    assert not any(identifier in str(refused.value) for identifier in ids)
    assert {entry.snapshot_id for entry in store.list()} == {made.current, made.older}


def test_an_unknown_id_is_told_by_its_position(publishing, made):
    with pytest.raises(RefusedError, match=r"1 of the 3 ids .* at position 2"):
        publishing.edit(made.current, [*IDS[:2], "0" * 16], 2.0)


def test_a_parent_that_is_not_there_is_404(publishing):
    with pytest.raises(RefusedError) as refused:
        publishing.edit("0" * 16, IDS[:1], 2.0)
    assert refused.value.status == 404


def test_a_single_snapshot_has_no_children(store, made):
    publishing = Publishing(catalog_of(store.folder(made.current)), 10)
    with pytest.raises(RefusedError, match="serve the store") as refused:
        publishing.edit(made.current, IDS[:1], 2.0)
    assert refused.value.status == 409
