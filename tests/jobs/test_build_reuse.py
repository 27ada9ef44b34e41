"""What a second build takes from the first one's snapshot."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from kat_ray.snapshot.snapshot import Snapshot
from tests.jobs.conftest import Job


def test_another_power_takes_vectors_graph_and_layout_from_the_snapshot(
    job: Job, pairs: Path, store: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "store"
    shutil.copytree(store, copied)
    first = Snapshot.open(str(copied))
    done = job("build", "--pairs", pairs, "--out", copied, "--encoder", "hashing", "--target-ess", "0.5")
    assert done.code == 0, done.stderr
    assert done.summary["embedded"] == 0
    second = Snapshot.open(str(copied))
    assert second.snapshot_id != first.snapshot_id
    taken = {name: seconds for name, seconds in second.manifest.stage_seconds.items() if seconds == 0}
    assert set(taken) == {"embeddings", "neighbors", "layout"}
    for name in ("embeddings", "neighbor_indices", "layout"):
        assert second.manifest.column(name).checksum == first.manifest.column(name).checksum
    assert abs(second.manifest.diagnostics["effective_sample_size"] - 0.5) < 1e-6
    assert np.ptp(second.weights) > np.ptp(first.weights)


def test_a_damaged_snapshot_is_no_source_and_is_built_again(job: Job, pairs: Path, store: Path, tmp_path: Path) -> None:
    copied = tmp_path / "store"
    shutil.copytree(store, copied)
    first = Snapshot.open(str(copied))
    with (copied / first.snapshot_id / "embeddings.npy").open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"\0\0\x80\x3f")
    other = job("build", "--pairs", pairs, "--out", copied, "--encoder", "hashing", "--weight-power", "2")
    assert other.code == 0, other.stderr
    assert other.summary["embedded"] == first.num_prompts
    np.testing.assert_array_equal(Snapshot.open(str(copied)).embeddings, Snapshot.open(str(store)).embeddings)
    (copied / first.snapshot_id / "weights.npy").unlink()
    again = job("build", "--pairs", pairs, "--out", copied, "--encoder", "hashing")
    assert again.code == 0, again.stderr
    assert again.summary["status"] == "published"
    repaired = Snapshot.open(str(copied), verify="checksums")
    np.testing.assert_array_equal(repaired.weights, Snapshot.open(str(store)).weights)


def test_rows_that_only_differ_in_their_rejects_are_reported(
    job: Job, pairs: Path, store: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "store"
    shutil.copytree(store, copied)
    more = tmp_path / "pairs.jsonl"
    more.write_bytes(pairs.read_bytes() + b"{broken\n")
    done = job("build", "--pairs", more, "--out", copied, "--encoder", "hashing")
    assert done.code == 0, done.stderr
    assert (done.summary["status"], done.summary["differing"]) == ("kept_first", ["rejects"])
    assert done.summary["snapshot_id"] == Snapshot.open(str(store)).snapshot_id
