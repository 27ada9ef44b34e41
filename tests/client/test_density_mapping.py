from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kat_ray.client.dataset_weights import ids_of_prompts
from kat_ray.client.density_mapping import load_density_mapping, pair_loss_weights
from kat_ray.errors import InputError
from kat_ray.snapshot.export import export
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location
from tests.client.tiny_model import texts, weight_table

PROMPTS = texts(8)
IDS = ids_of_prompts(PROMPTS)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Eight ids, the first one eight times as rare as the last, as the seeds store them."""
    (tmp_path / "ids.json").write_text(json.dumps(IDS))
    np.save(tmp_path / "density_weights.npy", weight_table(PROMPTS).weights.astype(np.float32))
    return tmp_path / "ids.json", tmp_path / "density_weights.npy"


def test_the_files_of_an_export_are_read_by_id(store, tmp_path):
    snapshot = Snapshot.open(store.location)
    export(snapshot, Location(str(tmp_path)), ["seeds"])
    (tmp_path / "embeddings.npy").unlink()
    mapping = load_density_mapping(tmp_path / "ids.json", tmp_path / "density_weights.npy")
    assert mapping == load_density_mapping(tmp_path / "prefixes_all.jsonl", tmp_path / "density_weights.npy")
    np.testing.assert_allclose([mapping[name] for name in snapshot.ids.to_pylist()], snapshot.weights, rtol=1e-6)


def test_a_lost_weight_is_a_clear_error(files):
    np.save(files[1], np.load(files[1])[:-1])
    with pytest.raises(InputError, match=r"lists 8 ids but .*density_weights.npy has 7 weights.*different runs"):
        load_density_mapping(*files)


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        ([IDS[0], *IDS[:7]], "lists 8 ids, of which 7 differ"),
        ([1, 2, 3], "something else than ids"),
        ([{"prefix": "a"}], "something else than ids"),
    ],
)
def test_ids_that_are_none_are_refused(files, ids, reason):
    files[0].write_text(json.dumps(ids))
    with pytest.raises(InputError, match=reason):
        load_density_mapping(*files)


@pytest.mark.parametrize("values", [[0.0] * 8, [-1.0] * 8, [float("nan")] * 8, np.ones((8, 1)), ["a"] * 8, [1] * 8])
def test_weights_that_are_none_are_refused(files, values):
    np.save(files[1], np.array(values))
    with pytest.raises(InputError):
        load_density_mapping(*files)


def test_a_missing_or_broken_file_is_named(files, tmp_path):
    with pytest.raises(InputError, match=r"nothing[.]json cannot be read"):
        load_density_mapping(tmp_path / "nothing.json", files[1])
    with pytest.raises(InputError, match=r"none[.]npy cannot be read"):
        load_density_mapping(files[0], tmp_path / "none.npy")
    files[0].write_text("[")
    with pytest.raises(InputError, match=r"ids[.]json cannot be read"):
        load_density_mapping(*files)


def test_pairs_of_one_prompt_weigh_the_same_and_rare_ones_more(files):
    mapping = load_density_mapping(*files)
    weights = pair_loss_weights(mapping, [IDS[0], IDS[7], IDS[0], IDS[3]]).values
    assert weights[0] == weights[2] > weights[3] > weights[1]
    assert weights.mean() == pytest.approx(1.0)
    assert weights[0] / weights[1] == pytest.approx(8.0, rel=1e-5)


def test_an_unmapped_pair_has_the_share_of_an_average_one(files):
    ids = [*(IDS * 8)[:63], "0" * 16]
    weights = pair_loss_weights(load_density_mapping(*files), ids)
    assert weights.num_unknown == 1
    assert weights.values[-1] / weights.values.sum() == pytest.approx(1 / 64)


def test_a_table_and_the_files_of_it_give_the_same_weights(files):
    from_files = pair_loss_weights(load_density_mapping(*files), IDS, "none", 1.5)
    from_table = pair_loss_weights(weight_table(PROMPTS), IDS, "none", 1.5)
    np.testing.assert_allclose(from_files.values, from_table.values, rtol=1e-6)
    assert from_table.values.max() == 1.5
