"""Unseen text: its numbers are those that the prompts' own rule gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kat_ray.geometry.weights import WeightConfig
from kat_ray.snapshot.edits import edit_weights
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from serve.refusals import RefusedError
from serve.services.encoders import Encoders
from serve.services.unseen import UnseenTexts
from tests.serve.corpus import IDS, TEXTS, K, publish

NEW = "How do I bake bread number 9 at home, quickly?"
FAR = "Quarterly tax filings of shipping companies"


def unseen(snapshot: Snapshot) -> UnseenTexts:
    return UnseenTexts(snapshot, Encoders(device="cpu"), "cpu")


@pytest.fixture
def other(tmp_path):
    """Publish the prompts with another weighting, and open them."""

    def publish_other(weighting: WeightConfig, **changes: object) -> Snapshot:
        store = Store(Location(str(tmp_path / "other")))
        return Snapshot.open(store.location, publish(store, tmp_path, weighting, **changes))

    return publish_other


def test_a_text_among_many_is_crowded_and_a_far_one_is_rare(snapshot):
    crowded, rare = unseen(snapshot).density([NEW, FAR])
    assert crowded["density"] > rare["density"]
    assert crowded["density_percentile"] > rare["density_percentile"]
    assert crowded["weight"] < rare["weight"]
    assert rare["density_percentile"] == 0.0
    assert [len(record["neighbors"]) for record in (crowded, rare)] == [K, K]
    assert crowded["neighbors"][0]["id"] in IDS[:5]


def test_a_text_that_equals_a_prompt_is_unseen_too(snapshot):
    """The prompt is its nearest neighbor at distance 0, so it is more crowded there than the prompt itself."""
    record = unseen(snapshot).density([TEXTS[7]])[0]
    assert record["neighbors"][0] == {"id": IDS[7], "distance": 0.0}
    mean = np.mean([0.0, *snapshot.neighbor_distances[7, : K - 1]])
    assert record["density"] == pytest.approx(1 / (mean + 1e-6), rel=1e-5)
    assert record["density"] > snapshot.density[7]


@pytest.mark.parametrize(
    "weighting",
    [
        WeightConfig(),
        WeightConfig(power=3.0),
        WeightConfig(power=0.0),
        WeightConfig(power=2.0, cap=1.2),
        WeightConfig(target_ess=0.8),
        WeightConfig(estimator="similarity"),
        WeightConfig(compat_inverted_weights=True),
    ],
)
def test_a_text_as_crowded_as_a_prompt_gets_the_weight_of_that_prompt(other, weighting):
    snapshot = other(weighting)
    weights = unseen(snapshot)._weights(np.asarray(snapshot.density))
    np.testing.assert_allclose(weights, snapshot.weights, rtol=1e-9)


def test_a_cap_holds_for_unseen_text_too(other):
    snapshot = other(WeightConfig(power=8.0, cap=1.5))
    rare = unseen(snapshot).density([FAR])[0]
    assert rare["weight"] == pytest.approx(1.5 * np.median(snapshot.weights))


def test_the_order_and_number_of_texts_do_not_matter(snapshot):
    service = unseen(snapshot)
    both, one = service.density([NEW, FAR]), service.density([FAR])
    assert both[1] == one[0]


def test_a_text_stands_on_the_map_among_its_neighbors(snapshot):
    place, same = unseen(snapshot).project([NEW, TEXTS[7]])
    spot = np.array([place[axis] for axis in "xyz"])
    crowd = snapshot.layout[:50]
    assert (spot >= crowd.min(axis=0) - 1e-6).all()
    assert (spot <= crowd.max(axis=0) + 1e-6).all()
    np.testing.assert_allclose([same[axis] for axis in "xyz"], snapshot.layout[7], atol=1e-6)
    assert place["neighbors"] == unseen(snapshot).density([NEW])[0]["neighbors"]


def test_a_long_text_says_that_it_was_cut(snapshot):
    short, long = unseen(snapshot).density(["one two", "word " * 400])
    assert (short["truncated"], long["truncated"]) == (False, True)


def test_texts_are_rendered_as_the_snapshot_says(other):
    plain, rendered = other(WeightConfig()), other(WeightConfig(), text="conversation")
    assert unseen(plain).density([TEXTS[7]])[0]["neighbors"][0]["distance"] == 0.0
    assert unseen(rendered).density([TEXTS[7]])[0]["neighbors"][0]["distance"] > 0.0


def test_nearest_rows_are_the_ones_that_mean_the_same(snapshot):
    rows, distances = unseen(snapshot).nearest_rows("a short poem about soup in winter", 3)
    assert rows[0] == 51
    assert distances == sorted(distances)
    assert len(unseen(snapshot).nearest_rows("all of them", 1000)[0]) == len(TEXTS)


def test_an_encoder_that_is_another_one_is_refused(snapshot, tmp_path):
    service = UnseenTexts(snapshot, Encoders(spec="checkpoint:" + str(tmp_path)), "cpu")
    with pytest.raises(RefusedError, match="hashing of revision hashing-1") as refused:
        service.density([NEW])
    assert refused.value.status == 503
    assert NEW not in str(refused.value)


@pytest.mark.parametrize("factors", [(9.0,), (0.1,), (1.0,), (9.0, 0.2)])
@pytest.mark.parametrize("weighting", [WeightConfig(), WeightConfig(power=8.0, cap=1.5)])
def test_edits_of_nearly_all_prompts_leave_unseen_text_the_weight_of_those_that_none_named(other, weighting, factors):
    edited = first = other(weighting)
    store = Store(Location(str(Path(first.location.path).parent)))
    for number, factor in enumerate(factors):
        edited = Snapshot.open(
            store.location, edit_weights(store, edited.snapshot_id, IDS[number:-3], factor).snapshot_id
        )
    weights = unseen(edited)._weights(np.asarray(first.density))
    np.testing.assert_allclose(weights[-3:], edited.weights[-3:], rtol=1e-9)
    np.testing.assert_allclose(weights / weights.sum(), first.weights, rtol=1e-9)
