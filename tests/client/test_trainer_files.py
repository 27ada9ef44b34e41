"""Files for verl and OpenRLHF, read back the way that those trainers read theirs.

verl: `datasets.load_dataset("parquet")`, the chat template over `prompt`, `reward_model["ground_truth"]`, `data_source`
and `extra_info` with `.get`. OpenRLHF: names split at commas, `load_dataset("json")`, `interleave_datasets` with the
probabilities until all files were used up, the chat template over the key `input`, `datasource` and `label`.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, interleave_datasets, load_dataset

from kat_ray.client.trainer_files import write_density_bands, write_verl_epoch
from kat_ray.errors import InputError
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.snapshot.weight_table import WeightTable
from kat_ray.storage import Location
from tests.client.tiny_model import tiny_tokenizer


@pytest.fixture
def snapshot(store: Store) -> Snapshot:
    return Snapshot.open(store.location)


def read(kind: str, path: str, cache: Path) -> Dataset:
    return load_dataset(kind, data_files=path, cache_dir=str(cache))["train"]


def test_verl_reads_the_draws_as_its_own_rows(snapshot, tmp_path):
    path = str(tmp_path / "train.parquet")
    assert write_verl_epoch(snapshot, path, 40, seed=7, epoch=2) == 40
    rows = read("parquet", path, tmp_path / "cache")
    assert rows.column_names == ["data_source", "prompt", "ability", "reward_model", "extra_info"]
    drawn = WeightTable.from_snapshot(snapshot).draw(40, seed=7, epoch=2)
    assert [row["extra_info"]["prompt_id"] for row in rows] == drawn.ids.to_pylist()
    counts = np.bincount([row["extra_info"]["index"] for row in rows], minlength=12)
    assert (np.abs(counts - 40 * snapshot.weights) < 1).all()


def test_verl_finds_all_that_it_asks_a_row_for(snapshot, tmp_path):
    path = str(tmp_path / "train.parquet")
    write_verl_epoch(snapshot, path, ability="math", ground_truth="42")
    rows, prompts = read("parquet", path, tmp_path / "cache"), snapshot.prompts().to_pylist()
    assert len(rows) == 12
    template = tiny_tokenizer()
    for row in rows:
        extra = row["extra_info"]
        prompt = prompts[extra["index"]]
        text = template.apply_chat_template(row["prompt"], add_generation_prompt=True, tokenize=False)
        assert text == "".join(f"{turn['role']}: {turn['content']}\n" for turn in prompt["messages"])
        assert row["data_source"] == prompt["source"]
        assert (row["ability"], row["reward_model"]) == ("math", {"style": "rule", "ground_truth": "42"})
        assert extra.get("tools_kwargs", {}) == {}
        assert (extra["split"], extra["snapshot_id"], extra["epoch"]) == ("train", snapshot.snapshot_id, 0)


def test_a_verl_file_is_the_same_for_the_same_seed_and_epoch(snapshot, tmp_path):
    paths = [tmp_path / f"{name}.parquet" for name in range(3)]
    for path, epoch in zip(paths, (1, 1, 2), strict=True):
        write_verl_epoch(snapshot, str(path), 30, epoch=epoch)
    first, same, other = (path.read_bytes() for path in paths)
    assert first == same != other


def test_an_object_store_takes_a_verl_file_too(snapshot, tmp_path, s3_uri):
    remote = Location(s3_uri("verl/train.parquet"))
    write_verl_epoch(snapshot, remote)
    write_verl_epoch(snapshot, str(tmp_path / "train.parquet"))
    assert remote.read_bytes() == (tmp_path / "train.parquet").read_bytes()


def test_verl_knows_a_format_by_its_name(snapshot, tmp_path):
    with pytest.raises(InputError, match=r"does not end in [.]parquet"):
        write_verl_epoch(snapshot, str(tmp_path / "train.pq"))


def test_openrlhf_mixes_the_bands_by_their_weight(snapshot, tmp_path):
    bands = write_density_bands(snapshot, str(tmp_path / "bands"), num_bands=4)
    names = bands.dataset.split(",")
    probabilities = [float(text) for text in bands.probabilities.split(",")]
    assert len(names) == len(probabilities) == 4
    assert sum(probabilities) == pytest.approx(1.0, abs=1e-12)
    files = [read("json", name, tmp_path / "cache") for name in names]
    long = [file.select_columns("prompt_id").select(list(range(len(file))) * 300) for file in files]
    mixed = interleave_datasets(long, probabilities=probabilities, seed=42, stopping_strategy="all_exhausted")
    seen = np.bincount(snapshot.row_of(mixed["prompt_id"][:]), minlength=12) / len(mixed)
    assert np.abs(seen / snapshot.weights - 1.0).max() < bands.largest_error + 0.1
    assert seen[9:].min() > seen[:6].max()  # the three hermits against the crowd


def test_a_band_for_each_prompt_is_exact(snapshot, tmp_path):
    bands = write_density_bands(snapshot, str(tmp_path / "bands"), num_bands=12)
    assert bands.largest_error < 1e-12
    np.testing.assert_allclose(
        sorted(float(text) for text in bands.probabilities.split(",")), np.sort(snapshot.weights), rtol=1e-12
    )


def test_bands_hold_every_prompt_once_the_rarest_first(snapshot, tmp_path):
    bands = write_density_bands(snapshot, str(tmp_path / "bands"), num_bands=5)
    files = [read("json", path, tmp_path / "cache") for path in bands.paths]
    rows = [snapshot.row_of(file["prompt_id"]) for file in files]
    assert sorted(np.concatenate(rows).tolist()) == list(range(12))
    assert [len(part) for part in rows] == [3, 3, 2, 2, 2]
    weights = [snapshot.weights[part] for part in rows]
    assert all(left.min() >= right.max() for left, right in pairwise(weights))


def test_openrlhf_finds_the_keys_that_it_looks_for(snapshot, tmp_path):
    bands = write_density_bands(snapshot, str(tmp_path / "bands"), num_bands=2)
    prompts = {prompt["id"]: prompt for prompt in snapshot.prompts().to_pylist()}
    template = tiny_tokenizer()
    for path in bands.paths:
        for row in read("json", path, tmp_path / "cache"):
            prompt = prompts[row["prompt_id"]]
            text = template.apply_chat_template(row["input"], tokenize=False, add_generation_prompt=True)
            assert text == "".join(f"{turn['role']}: {turn['content']}\n" for turn in prompt["messages"])
            assert (row["datasource"], row["label"]) == (prompt["source"], "")


@pytest.mark.parametrize("name", ["a,b", "a@b"])
def test_names_that_openrlhf_would_split_are_refused(snapshot, tmp_path, name):
    with pytest.raises(InputError, match="at which OpenRLHF splits names"):
        write_density_bands(snapshot, str(tmp_path / name))


@pytest.mark.parametrize("count", [0, 13])
def test_there_are_no_more_bands_than_prompts(snapshot, tmp_path, count):
    with pytest.raises(InputError, match=f"num_bands is {count}, expected 1 to 12"):
        write_density_bands(snapshot, str(tmp_path), count)
