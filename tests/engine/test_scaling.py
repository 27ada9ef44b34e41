"""Two workers against one, and memory against N: figures at size, printed as tables."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import identify_encoder
from kat_ray.engine.embedding import embed
from kat_ray.engine.neighbors import find_neighbors
from kat_ray.engine.session import session
from kat_ray.pairs.demonstration import DemonstrationConfig, write
from kat_ray.storage import Location
from tests.engine.conftest import Job, make_texts, start_cluster, start_job, write_texts

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]

SPEEDUP = 1.7
DRIVER_GROWTH_BYTES = 30 << 20
REPEATS = 2


@pytest.fixture(scope="module")
def two_cores() -> Iterator[None]:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("two workers need two cores")
    cluster = start_cluster({"num_cpus": 2})
    with session(cluster.address):
        yield
    cluster.shutdown()


def report(capsys: pytest.CaptureFixture[str], lines: list[str]) -> None:
    with capsys.disabled():
        print("\n" + "\n".join(lines))


def seconds_of(stage: str, workers: int, folder: Path) -> float:
    """Wall time of a stage; the columns are left in the folder."""
    work = Location(str(folder))
    started = time.perf_counter()
    if stage == "embed":
        config = EncoderConfig()
        embed(work / "prompts.parquet", work, config, identify_encoder(config), work / "cache", [], workers)
    else:
        find_neighbors(work, 20, "exact", "cpu", workers, seed=0)
    return time.perf_counter() - started


def prepare(stage: str, folder: Path) -> None:
    folder.mkdir()
    if stage == "embed":
        write_texts(folder, make_texts(20 * 2048, words=6))
    else:
        rows = np.random.default_rng(0).standard_normal((120_000, 384)).astype(np.float32)
        np.save(folder / "embeddings.npy", rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.mark.parametrize(("stage", "column"), [("embed", "embeddings.npy"), ("neighbors", "neighbor_indices.npy")])
def test_two_workers_are_nearly_twice_as_fast_as_one_and_give_the_same_bytes(
    two_cores: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], stage: str, column: str
) -> None:
    times: dict[int, list[float]] = {1: [], 2: []}
    columns = set()
    for repeat in range(REPEATS):
        for workers, seconds in times.items():
            folder = tmp_path / f"{repeat}-{workers}"
            prepare(stage, folder)
            seconds.append(seconds_of(stage, workers, folder))
            columns.add((folder / column).read_bytes())
    best = {workers: min(measured) for workers, measured in times.items()}
    ratio = best[1] / best[2]
    rows = [f"{stage:<12}{workers:>2} worker(s) {seconds:8.1f} s" for workers, seconds in best.items()]
    report(capsys, [*rows, f"{stage:<12}speed-up   {ratio:10.2f}"])
    assert len(columns) == 1
    assert ratio >= SPEEDUP


def ended(process: Job) -> bool:
    try:
        process.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return False
    return True


def peak_memory(arguments: list[object]) -> tuple[int, dict[str, int]]:
    """Peak resident bytes of a job's own process, and of the largest worker of each kind below it (without shared)."""
    process = start_job("build", *arguments)
    driver, own, workers = psutil.Process(process.pid), 0, {}
    while not ended(process):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            own = max(own, driver.memory_info().rss)
            for child in driver.children(recursive=True):
                name = " ".join(child.cmdline())
                if name.startswith("ray::_") or "_EncodeBlock" in name:
                    workers[name[:40]] = max(workers.get(name[:40], 0), child.memory_full_info().uss)
    assert process.returncode == 0
    return own, workers


def test_the_driver_does_not_grow_with_the_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peaks = {}
    for rows in (20_000, 80_000):
        write(Location(str(tmp_path / f"{rows}.jsonl")), DemonstrationConfig(rows=rows))
        arguments = ["--pairs", tmp_path / f"{rows}.jsonl", "--out", tmp_path / f"store-{rows}", "--encoder", "hashing"]
        peaks[rows] = peak_memory(arguments)
    names = sorted(set().union(*(workers for _, workers in peaks.values())))
    lines = [f"{'peak MB':<42}" + "".join(f"{rows:>10,}" for rows in peaks)]
    lines.append(f"{'driver':<42}" + "".join(f"{own >> 20:>10,}" for own, _ in peaks.values()))
    lines += [
        f"{name:<42}" + "".join(f"{workers.get(name, 0) >> 20:>10,}" for _, workers in peaks.values()) for name in names
    ]
    report(capsys, lines)
    small, large = (own for own, _ in peaks.values())
    assert large - small < DRIVER_GROWTH_BYTES
