"""With declared GPUs every encoder and every index shard has one of its own, and the layout has one."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from ray import cloudpickle

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.engine import embedding, neighbors, scores
from kat_ray.engine.hardware import resolve_hardware
from kat_ray.engine.session import session
from kat_ray.engine.tasks import Call, run_task, run_with_progress
from kat_ray.errors import ResourceError
from kat_ray.geometry.layout import LayoutConfig
from kat_ray.snapshot.columns import PROMPT_BLOCK_ROWS
from kat_ray.storage import Location
from tests.engine.conftest import make_texts, start_cluster, write_texts

cloudpickle.register_pickle_by_value(sys.modules[__name__])

NUM_GPUS = 4
NUM_BLOCKS = 3 * NUM_GPUS  # an actor that is early takes two, so that some are left for a late one


@pytest.fixture(scope="module")
def gpus() -> Iterator[None]:
    """Two nodes that declare two GPUs each; nothing here touches a real one."""
    cluster = start_cluster({"num_cpus": 2, "num_gpus": 2}, {"num_cpus": 2, "num_gpus": 2})
    with session(cluster.address):
        yield
    cluster.shutdown()


def record_place(folder: Path, wanted: int) -> None:
    """Note where this worker is and which GPUs it sees, then wait until as many workers are there at the same time."""
    place = {"node": ray.get_runtime_context().get_node_id(), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES")}
    folder.mkdir(exist_ok=True)
    (folder / f"{uuid.uuid4().hex}.json").write_text(json.dumps(place))
    deadline = time.monotonic() + 100
    while len(list(folder.iterdir())) < wanted:
        assert time.monotonic() < deadline, "the others did not come"


def places(folder: Path) -> list[tuple[str, str]]:
    found = [json.loads(path.read_text()) for path in folder.iterdir()]
    return sorted((place["node"], place["gpus"]) for place in found)


def assert_one_gpu_each(folder: Path) -> None:
    found = places(folder)
    nodes = sorted({node for node, _ in found})
    assert len(nodes) == 2
    assert found == [(node, gpu) for node in nodes for gpu in "01"]


def own_pid() -> int:
    return os.getpid()


def yielded_pid() -> Iterator[tuple[int]]:
    """What it yields is no progress but the result."""
    yield (os.getpid(),)


def test_a_process_that_has_had_a_gpu_gets_no_other_task(gpus: None) -> None:
    """It would keep its memory there, and its device, whichever the next task is given."""
    pids = [run_task(own_pid, num_gpus=1) for _ in range(3)]
    calls = [Call(yielded_pid, (), num_gpus=1) for _ in range(3)]
    pids += [pid for (pid,) in run_with_progress("pids", calls, 0, at_once=1)]
    assert len(set(pids)) == 6


class RecordingEncoder:
    """Stands in for the worker that encodes: notes its place, and encodes nothing."""

    def __init__(self, stage: Any, config: EncoderConfig) -> None:
        assert config.device == "gpu"
        self.stage, self.is_recorded = stage, False

    def __call__(self, block: dict[str, Any]) -> dict[str, int]:
        assert len(block["lengths"]) == block["stop"] - block["start"], "tokens come from the workers before"
        if not self.is_recorded:
            record_place(Path(self.stage.work.path) / "places", NUM_GPUS)
        self.is_recorded = True
        count = block["stop"] - block["start"]
        file = Path(self.stage.folder.path) / f"{block['key']}.npz"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            np.savez(stream, embeddings=np.zeros((count, 384), np.float32), num_tokens=block["full_lengths"])
        return {"num_rows": count}


def test_every_encoder_has_a_gpu_of_its_own(gpus: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_EncodeBlock", RecordingEncoder)
    prompts = write_texts(tmp_path, make_texts(NUM_BLOCKS * PROMPT_BLOCK_ROWS, words=2))
    config, work = EncoderConfig(spec="hashing", device="gpu"), Location(str(tmp_path))
    identity = load_encoder(EncoderConfig(spec="hashing")).identity
    summary = embedding.embed(prompts, work, config, identity, work / "cache", [], NUM_GPUS)
    assert summary.num_embedded == NUM_BLOCKS * PROMPT_BLOCK_ROWS
    assert_one_gpu_each(tmp_path / "places")
    counts = np.load(tmp_path / "num_tokens.npy")
    assert (counts == 3).all()


class RecordingShard:
    """The real index shard, which notes its place and searches on the CPU."""

    def __init__(self, work: Location, start: int, stop: int, k: int, device: str) -> None:
        assert device == "gpu"
        self.work, self.is_recorded = work, False
        self.shard = neighbors._IndexShard(work, start, stop, k, "cpu")

    def search(self, *arguments: Any) -> Any:
        self._record()
        return self.shard.search(*arguments)

    def finish(self, *arguments: Any) -> int:
        self._record()
        return self.shard.finish(*arguments)

    def _record(self) -> None:
        if not self.is_recorded:
            record_place(Path(self.work.path) / "places", NUM_GPUS)
        self.is_recorded = True


def test_every_index_shard_has_a_gpu_of_its_own(gpus: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "_IndexShard", RecordingShard)
    rows = np.random.default_rng(0).standard_normal((2 * NUM_GPUS * neighbors.QUERY_BLOCK_ROWS, 16)).astype(np.float32)
    np.save(tmp_path / "embeddings.npy", rows / np.linalg.norm(rows, axis=1, keepdims=True))
    neighbors.find_neighbors(Location(str(tmp_path)), 5, "exact", "gpu", NUM_GPUS, seed=0)
    assert_one_gpu_each(tmp_path / "places")


def place_of_layout(columns: Location, *_: Any) -> dict[str, Any]:
    record_place(Path(columns.path) / "places", 1)
    return {"diagnostics": {}, "seconds": 0.0}


def test_the_layout_has_one_gpu(gpus: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "_lay_out", place_of_layout)
    work = Location(str(tmp_path))
    scores.lay_out(work, None, work, LayoutConfig(device="gpu"))
    [(_, gpu)] = places(tmp_path / "places")
    assert gpu in ("0", "1")


def test_declared_gpus_that_no_library_can_use_are_an_error_and_auto_takes_the_cpu(
    gpus: None, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU that PyTorch can use")
    with pytest.raises(ResourceError, match=r"but PyTorch is a CPU build or sees none\. Install .*--device cpu"):
        resolve_hardware("gpu", ("encoder", "neighbors"))
    assert resolve_hardware("auto", ("encoder",)) == "cpu"
    assert "encoder on the CPU" in capsys.readouterr().err
