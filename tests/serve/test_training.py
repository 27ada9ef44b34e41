"""GRPO by TRL with weights from a live service: whole groups, drawn as the snapshot says, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from kat_ray.client.adapters.trl_grpo import DensityGRPO, exposure_reward
from kat_ray.client.exposure import Exposure
from kat_ray.client.weights_client import WeightsClient
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.snapshot.weight_table import WeightTable
from kat_ray.storage import Location
from tests.client.tiny_model import prompt_data, tiny_model, tiny_tokenizer, trainer_options
from tests.serve.cluster import READ, RunningService, ask
from tests.serve.process import PlainService, ServiceProcess, plain_uvicorn, started_service
from tests.serve.stores import publish
from tests.snapshot.conftest import TEXTS

GROUP = 4
PROMPTS = [text[:60] for text in TEXTS[:10]]
Train = Callable[..., list[int]]


class DensityGRPOTrainer(DensityGRPO, GRPOTrainer):
    pass


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Rows of the data set in the order in which they were trained on, each once a group."""

    def run(density: Any, num_steps: int, *rewards: Any, callbacks: Sequence[Any] = (), **options: Any) -> list[int]:
        seen: list[int] = []

        def length(completions: list[str], row: list[int], **_: Any) -> list[float]:
            seen.extend(row)
            return [float(len(text)) for text in completions]

        arguments = {"num_generations": GROUP, "max_completion_length": 4, "beta": 0.0, "max_steps": num_steps}
        batches = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 1}
        trainer = DensityGRPOTrainer(
            tiny_model(),
            density=density,
            reward_funcs=[length, *rewards],
            args=GRPOConfig(**trainer_options(tmp_path / "run", **arguments, **batches)),
            train_dataset=prompt_data(PROMPTS),
            processing_class=tiny_tokenizer(),
            callbacks=list(callbacks),
            **options,
        )
        trainer.train()
        groups = np.array(seen).reshape(-1, GROUP)
        assert (groups == groups[:, :1]).all()
        return groups[:, 0].tolist()

    return run


def _table(store: Store, snapshot_id: str | None = None) -> WeightTable:
    return WeightTable.from_snapshot(Snapshot.open(store.location, snapshot_id))


def test_grpo_trains_on_the_draws_of_the_snapshot_that_is_served(
    ray_service: RunningService, train: Train, tmp_path: Path
) -> None:
    client = WeightsClient(ray_service.url, token=READ, cache=tmp_path)
    exposure = Exposure(client.table, group_size=GROUP)
    rows = train(client, 4, exposure_reward(exposure))
    assert rows == train(_table(ray_service.store, client.snapshot_id), 4)
    exposure.send(client, "run-1")
    told = ask(ray_service.url, "GET", "/v1/exposures/run-1").json
    assert (told["num_draws"], told["num_unknown"]) == (exposure.report().num_draws, 0)
    assert told["num_draws"] > 0
    assert told["snapshot_id"] == client.snapshot_id


class Killed(TrainerCallback):
    """Kills the service with all of its processes at the end of the second step."""

    def __init__(self, processes: list[psutil.Process]) -> None:
        self.processes = processes

    def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        if state.global_step == 2:
            for process in self.processes:
                process.kill()
            psutil.wait_procs(self.processes, timeout=60)


@contextmanager
def _plain(_: Path, uri: str) -> Iterator[PlainService]:
    with plain_uvicorn(uri) as service:
        yield service


@contextmanager
def _on_ray(folder: Path, uri: str) -> Iterator[ServiceProcess]:
    with started_service(folder, uri, "--port", 0) as service:
        yield service
        assert not service.left()


@pytest.mark.parametrize("start", [_plain, pytest.param(_on_ray, marks=pytest.mark.long)])
def test_training_goes_on_identically_when_the_service_is_killed(start: Any, train: Train, tmp_path: Path) -> None:
    store = Store(Location(str(tmp_path / "store")))
    publish(store, tmp_path)
    with start(tmp_path, store.location.uri) as service:
        client = WeightsClient(service.url, cache=tmp_path / "cache", timeout_seconds=0.2)
        rows = train(client, 10, callbacks=[Killed(service.processes)], refresh=True)  # an epoch is five steps
        assert not client.refresh()
    assert client.staleness.error is not None
    assert rows == train(_table(store), 10)
    np.testing.assert_array_equal(client.draw(999, epoch=3).rows, _table(store).draw(999, epoch=3).rows)
