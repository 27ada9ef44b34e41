"""Training in two processes: the same stream in both, whole groups across them, and the same order after a stop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kat_ray.client.adapters.samplers import DensitySampler
from kat_ray.client.dataset_weights import ids_of_prompts
from kat_ray.ports import usable_port
from tests.client.adapters import gloo_process
from tests.client.grpo_run import GROUP, PROMPTS
from tests.client.tiny_model import weight_table

ROOT = Path(__file__).parents[3]


def run_both(module: str, folder: Path, *more: object) -> None:
    """Run two processes of one group to the end."""
    port = str(usable_port("127.0.0.1"))
    shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    command = [sys.executable, "-m", f"tests.client.adapters.{module}", str(folder), *map(str, more)]
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [process.communicate(timeout=240)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)[-3000:]


def told_after(folder: Path, steps: int) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{rank}-{steps}.json").read_text()) for rank in range(2)]


def drawn(told: list[dict[str, Any]]) -> list[int]:
    """Rows of the draws, after a check that each group is whole once the processes are put side by side."""
    together = [rows for parts in zip(*(part["rows"] for part in told), strict=True) for rows in parts]
    groups = np.concatenate(together).reshape(-1, GROUP)
    assert (groups == groups[:, :1]).all()
    return groups[:, 0].tolist()


def test_two_processes_see_the_same_stream_and_change_snapshots_together(tmp_path):
    run_both("gloo_process", tmp_path)
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert told[0] == told[1]
    assert told[0]["snapshot_id"] == "1" * 16
    assert told[0]["error"] == "The service is away."
    mismatch, other_seed, agreed = told[0]["refusals"]
    assert mismatch.startswith(f"SnapshotMismatchError: Process 0 draws with snapshot_id {'0' * 16}, process 1 with ")
    assert f"process 1 with {'1' * 16}" in mismatch
    assert other_seed.startswith("InputError: Process 0 draws with seed 0, process 1 with 1")
    assert agreed == ""
    first, second, _ = gloo_process.snapshots()
    ids = ids_of_prompts(gloo_process.PROMPTS)
    assert told[0]["epochs"][0] == list(DensitySampler(ids, first))
    newer = DensitySampler(ids, second)
    newer.set_epoch(1)
    assert told[0]["epochs"][1:] == [list(newer), list(newer)]


@pytest.mark.long
def test_two_processes_train_on_one_stream_before_and_after_a_stop(tmp_path):
    """The stop is in the third epoch: there the loader alone would begin with the first one's order again."""
    run_both("grpo_process", tmp_path, 16)
    run_both("grpo_process", tmp_path, 24, tmp_path / "run" / "checkpoint-16")
    first, second = told_after(tmp_path, 16), told_after(tmp_path, 24)
    sampler = DensitySampler(ids_of_prompts(PROMPTS), weight_table(PROMPTS), seed=3)
    assert drawn(first) + drawn(second) == [row for _ in range(4) for row in sampler]
    assert first[0]["counts"] == first[1]["counts"] == (np.bincount(drawn(first), minlength=12) * GROUP).tolist()
