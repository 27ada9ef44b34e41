from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kat_ray.errors import InputError
from kat_ray.snapshot.card import explain, render_card
from kat_ray.snapshot.manifest import Manifest
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.snapshot.terminal import WIDTH
from kat_ray.storage import Location

WORDS_OF_PROMPTS = ("bread", "entropy", "ética", "onerror", "xxx")
LONG = "a source with a name that nobody would choose and \x1b[2J control characters " * 5


@pytest.fixture
def snapshot(store: Store) -> Snapshot:
    return Snapshot.open(store.location)


@pytest.fixture
def with_diagnostics(make_columns: Callable[..., Manifest], tmp_path: Path) -> Callable[..., Snapshot]:
    """A snapshot whose card numbers are partly others."""

    def publish(**changes: object) -> Snapshot:
        manifest = make_columns(tmp_path / "work-2")
        changed = replace(manifest, diagnostics={**manifest.diagnostics, **changes})
        store = Store(Location(str(tmp_path / "store-2")))
        store.publish(Location(str(tmp_path / "work-2")), changed)
        return Snapshot.open(store.location)

    return publish


def test_the_card_tells_counts_weights_graph_and_layout(snapshot):
    card = render_card(snapshot)
    for expected in (
        f"Snapshot {snapshot.snapshot_id}",
        "27 = 24 accepted + 2 rejected + 1 duplicates",
        "24, of them 12 with both replies",
        "hh-rlhf 6, own-data 3, ultrafeedback-binarized 3",
        "distance, k 2, power 1, no cap",
        "= 4 of 12 prompts",
        "sparsest      70.0%",
        "  10  0.250",
        "exact; intrinsic dimension 1",
        "1 group, 2 prompts closer than 0.01",
        "3; the largest have 6, 3, 3",
        "trustworthiness 0.99",
        "mixing not measured",
        "1 prompt (8.3%) at 256 tokens",
        "embeddings 1.5 s",
        "k was clamped from 10 to 2.",
    ):
        assert expected in card


def test_the_heaviest_prompts_are_the_hermits(snapshot):
    card = render_card(snapshot)
    places = [card.index(snapshot.ids[row].as_py()) for row in (9, 10, 11, 8)]
    assert places == sorted(places)
    assert snapshot.ids[0].as_py() not in card


def test_powers_are_shown_in_order_of_size(snapshot):
    card = render_card(snapshot)
    assert card.index("   1  0.500") < card.index("   2  0.300") < card.index("  10  0.250")


@pytest.mark.parametrize("show_text", [False, True])
def test_everything_fits_72_columns_and_no_control_character_gets_through(with_diagnostics, show_text):
    snapshot = with_diagnostics(
        sources={LONG: 10**9, "b": 2}, cluster_sizes=[10**9] * 10, estimator=LONG, recall=0.5, cap=3.0, power=1 / 3
    )
    texts = [render_card(snapshot, show_text=show_text)]
    texts += [explain(snapshot, prompt, show_text=show_text) for prompt in snapshot.ids.to_pylist()]
    for line in "\n".join(texts).split("\n"):
        assert len(line) <= WIDTH
        assert line.isprintable()


def test_words_of_prompts_appear_only_when_asked_for(snapshot):
    def show(show_text: bool) -> str:
        explained = [explain(snapshot, prompt, show_text=show_text) for prompt in snapshot.ids.to_pylist()]
        return "\n".join([render_card(snapshot, show_text=show_text), *explained])

    hidden, shown = show(False), show(True)
    for word in WORDS_OF_PROMPTS:
        assert word not in hidden
        assert word in shown


def test_an_explanation_gives_the_numbers_that_can_be_drawn(snapshot):
    ids = snapshot.ids.to_pylist()
    text = explain(snapshot, ids[6])
    assert "row 6" in text
    assert "0.0871557, mean to the 2 nearest" in text
    assert "percentile 41.7 %: uncommon" in text
    assert f"1 near duplicate, group of {ids[6]}" in text
    assert f"1  {ids[7]}   0.000000  ultrafeedback-binarized" in text
    assert "1, of them 1 with both replies" in text
    weight = snapshot.weights[6]
    assert f"{weight:.6g} = {12 * weight:.4g} x uniform" in text


def test_a_prompt_without_neighbors_is_explained_too(snapshot):
    snapshot._arrays.update(
        neighbor_indices=np.empty((12, 0), np.int32), neighbor_distances=np.empty((12, 0), np.float32)
    )
    assert "distance      no other prompts" in explain(snapshot, snapshot.ids[0].as_py(), show_text=True)


@pytest.mark.parametrize(("row", "band"), [(9, "very rare"), (6, "uncommon"), (2, "common"), (3, "very common")])
def test_bands_are_those_of_the_percentile(snapshot, row, band):
    assert explain(snapshot, snapshot.ids[row].as_py()).split("%: ")[1].startswith(f"{band}\n")


def test_a_cap_is_named_only_where_it_holds_the_weight(with_diagnostics, store):
    weights = Snapshot.open(store.location).weights
    capped = with_diagnostics(cap=float(weights[10] / np.median(weights)))
    ids = capped.ids.to_pylist()
    assert "held at" in explain(capped, ids[10])
    assert "held at" not in explain(capped, ids[0])
    assert "held at" not in explain(Snapshot.open(store.location), ids[10])


@pytest.mark.parametrize("prompt", ["0" * 16, "nonsense", "", "\x1b[2J"])
def test_an_unknown_prompt_is_an_error_that_says_so(snapshot, prompt):
    with pytest.raises(InputError, match="has no prompt") as caught:
        explain(snapshot, prompt)
    assert str(caught.value).isprintable()
