from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kat_ray.snapshot import point_file
from kat_ray.snapshot.manifest import Counts
from kat_ray.snapshot.point_file import write_points
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

Write = Callable[..., dict[str, Any]]


@pytest.fixture
def snapshot(store) -> Snapshot:
    return Snapshot.open(store.location)


@pytest.fixture
def write(snapshot: Snapshot, tmp_path: Path) -> Write:
    """Write the point cloud, some arrays of the snapshot being replaced, and read it back."""

    def write(**arrays: np.ndarray) -> dict[str, Any]:
        snapshot._arrays.update(arrays)
        name = write_points(snapshot, Location(str(tmp_path / "out")))
        return json.loads((tmp_path / "out" / name).read_bytes())

    return write


def test_points_have_the_fields_of_both_generations(write, snapshot):
    points = write()["points"]
    numbers = {"x", "y", "z", "size", "density", "density_raw", "density_minmax", "weight"}
    texts = {"id", "source", "prompt", "prefix", "chosen", "rejected"}
    assert [point["id"] for point in points] == snapshot.ids.to_pylist()
    for point in points:
        assert set(point) == numbers | texts | {"color", "count"}
        assert all(isinstance(point[name], float) for name in numbers)
        assert all(isinstance(point[name], str) for name in texts)


def test_coordinates_reach_both_ends_of_every_axis(write):
    points = write()["points"]
    for axis in "xyz":
        values = [point[axis] for point in points]
        assert (min(values), max(values)) == (-1, 1)


def test_a_flat_axis_lies_in_the_middle_and_equal_densities_too(write):
    points = write(layout=np.ones((12, 3), np.float32), density=np.ones(12))["points"]
    assert {(point["x"], point["y"], point["z"], point["density_minmax"]) for point in points} == {(0, 0, 0, 0.5)}


def test_density_is_the_percentile_and_rarer_is_bigger(write, snapshot):
    points = write()["points"]
    density = np.array([point["density"] for point in points])
    size = np.array([point["size"] for point in points])
    np.testing.assert_allclose(density, snapshot.density_percentile, atol=1e-4)
    np.testing.assert_allclose(size, 0.5 + 2 * (1 - density), atol=1e-9)
    assert np.argmax(size) == np.argmax(snapshot.neighbor_distances[:, :2].mean(axis=1)) == 9
    assert size.min() >= 0.5
    assert size.max() <= 2.5


def test_quartile_bands_hold_a_quarter_each_where_densities_differ(write):
    density = np.random.default_rng(0).permutation(12) + 1.0
    percentile = (density - 0.5) / 12
    points = write(density=density, density_percentile=percentile)["points"]
    assert np.histogram([point["density"] for point in points], 4, (0, 1))[0].tolist() == [3, 3, 3, 3]
    minmax = [point["density_minmax"] for point in points]
    assert (min(minmax), max(minmax)) == (0, 1)


def test_colors_follow_the_sources_and_others_are_grey(write):
    data = write()
    assert {point["source"]: point["color"] for point in data["points"]} == data["metadata"]["colors"]
    assert data["metadata"]["colors"] == {
        "hh-rlhf": [0.2, 0.8, 0.2],
        "ultrafeedback-binarized": [0.2, 0.2, 0.8],
        "own-data": [0.5, 0.5, 0.5],
    }


def test_previews_are_cut_at_code_points_and_replies_are_those_of_the_first_pair(write):
    points = write()["points"]
    assert points[11]["prompt"] == "x" * 200
    assert points[11]["prefix"] == "user: " + "x" * 494
    assert points[8]["prefix"] == "user: Explain entropy.\nassistant: Which part?\nuser: All of it."
    assert points[4]["chosen"] == ("good 4 " + "a" * 150)[:100]
    assert points[4]["rejected"] == "bad 4"
    assert [point["count"] for point in points] == [1, 2, 3] * 4


def test_metadata_say_what_the_cloud_is(write, snapshot):
    metadata = write()["metadata"]
    assert metadata["total_points"] == 12
    assert sorted(metadata["sources"]) == ["hh-rlhf", "own-data", "ultrafeedback-binarized"]
    assert (metadata["embedding_dim"], metadata["embedding_source"], metadata["k"]) == (2, "circle", 2)
    assert {"projection", "method"} <= set(metadata)
    assert metadata["snapshot_id"] == snapshot.snapshot_id


def test_large_clouds_have_the_same_fields_with_shorter_previews(write, monkeypatch):
    full = write()
    monkeypatch.setattr(point_file, "_MOST_FULL_POINTS", 11)
    short = write()
    assert [set(point) for point in short["points"]] == [set(point) for point in full["points"]]
    assert short["points"][11]["prompt"] == "x" * 100
    assert short["metadata"]["preview_lengths"] == {"prompt": 100, "prefix": 100, "reply": 50}


def test_prompts_without_pairs_have_empty_replies(write, snapshot, monkeypatch):
    pairs = snapshot.pairs()
    monkeypatch.setattr(
        snapshot, "pairs", lambda rows=None, columns=None: pairs[1:] if rows is None else pairs[1:].take(rows)
    )
    points = write()["points"]
    assert (points[0]["chosen"], points[0]["rejected"]) == ("", "")
    assert points[1]["rejected"] == "bad 1"


def _long_corpus(num_prompts: int) -> Iterator[tuple[int, pa.Table]]:
    """Prompts of the real lengths: median 78 characters, one in twenty longer than 800."""
    rng = np.random.default_rng(7)
    words = " ".join(f"{chr(97 + number % 26)}{number:x}" for number in rng.integers(0, 50_000, 20_000).tolist())
    for start in range(0, num_prompts, 2048):
        size = min(2048, num_prompts - start)
        lengths = np.minimum(rng.lognormal(np.log(78), 1.415, size), 27_600).astype(int)
        offsets = rng.integers(0, len(words) - 27_600, size)
        texts = [words[offset : offset + length] for offset, length in zip(offsets, lengths, strict=True)]
        columns = {
            "id": [f"{row:016x}" for row in range(start, start + size)],
            "messages": [[{"role": "user", "content": text}] for text in texts],
            "source": ["hh-rlhf"] * size,
            "num_pairs": [1] * size,
        }
        yield start, pa.table(columns)


@pytest.mark.long
def test_276_thousand_points_of_the_real_lengths_take_at_most_150_megabytes(snapshot, tmp_path, monkeypatch):
    num_prompts, rng = 276_000, np.random.default_rng(1)
    numbers = {name: rng.random(num_prompts) for name in ("density", "density_percentile", "weights")}
    snapshot._arrays.update(layout=rng.normal(size=(num_prompts, 3)).astype(np.float32), **numbers)
    replies = pa.table(
        {"chosen": ["word " * 30] * 4096, "rejected": ["word " * 30 if row % 5 == 0 else None for row in range(4096)]}
    )
    monkeypatch.setattr(snapshot, "manifest", replace(snapshot.manifest, counts=Counts(0, 0, 0, 0, num_prompts, 0, 0)))
    monkeypatch.setattr(snapshot, "prompt_blocks", lambda columns: _long_corpus(num_prompts))
    monkeypatch.setattr(
        snapshot,
        "pairs",
        lambda rows=None, columns=None: (
            pa.table({"prompt_row": np.arange(num_prompts)}) if rows is None else replies.take(rows % 4096)
        ),
    )
    file = tmp_path / write_points(snapshot, Location(str(tmp_path)))
    assert file.stat().st_size <= 150e6
    assert json.loads(file.read_bytes())["metadata"]["total_points"] == num_prompts
