"""One of two processes that draw with `refresh=True`: a script for the tests of distributed sampling.

    RANK=0 WORLD_SIZE=2 ... python -m tests.client.adapters.gloo_process FOLDER

Three epochs: one snapshot, then a newer one for both, then a third that only the first process can have. At the end
the first process finds its weights too old. Writes to FOLDER the rows of each epoch, the last snapshot's id, the error
that ended the draws, and what samplers say that begin with different snapshots or seeds.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch.distributed as dist

from kat_ray.client.adapters.samplers import DensitySampler
from kat_ray.client.dataset_weights import ids_of_prompts
from kat_ray.errors import KatRayError, ServiceUnavailableError
from kat_ray.snapshot.weight_table import WeightTable
from tests.client.tiny_model import texts, weight_table

PROMPTS = texts(24)


class Client:
    """A client whose service has published `newer`; a `broken` one fails where others would keep what they have."""

    def __init__(self, table: WeightTable, newer: WeightTable | None = None) -> None:
        self.table, self.newer, self.broken = table, newer, False

    @property
    def snapshot_id(self) -> str:
        return self.table.snapshot_id

    def refresh(self, snapshot_id: str | None = None) -> bool:
        if self.broken:
            raise ServiceUnavailableError("The service is away.")
        found = self.newer is not None and snapshot_id in (None, self.newer.snapshot_id)
        self.table, self.newer = (self.newer, None) if found and self.newer else (self.table, self.newer)
        return found


def snapshots() -> list[WeightTable]:
    """Three versions of the weights of the prompts."""
    weights = (None, np.ones(24), np.arange(1, 25))
    return [weight_table(PROMPTS, values, str(number) * 16) for number, values in enumerate(weights)]


def refusal(ids: list[str], table: WeightTable, seed: int) -> str:
    """Why the samplers of both processes do not begin a pass together."""
    try:
        next(iter(DensitySampler(ids, table, seed=seed)))
    except KatRayError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main(folder: Path) -> None:
    dist.init_process_group("gloo")
    first, second, third = snapshots()
    client = Client(first)
    sampler = DensitySampler(ids_of_prompts(PROMPTS), client, refresh=True)
    epochs = [list(sampler)]
    client.newer = second
    epochs.append(list(sampler))
    client.newer, client.broken = third, dist.get_rank() == 1
    epochs.append(list(sampler))
    client.broken = dist.get_rank() == 0
    try:
        next(iter(sampler))
    except ServiceUnavailableError as error:
        told = {"epochs": epochs, "snapshot_id": sampler.weights.snapshot_id, "error": str(error)}
    rank, ids = dist.get_rank(), ids_of_prompts(PROMPTS)
    told["refusals"] = [refusal(ids, (first, second)[rank], 1), refusal(ids, first, rank), refusal(ids, first, 1)]
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(told))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
