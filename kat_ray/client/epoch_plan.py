"""Which rows of a training set one process visits in each epoch, in which order, and how it goes on after a stop.

The order is a pure function of weights, seed and epoch: systematic resampling, so that in E draws a row of probability
p comes floor or ceil of E p times, spread over the epoch. Every process computes the same draws and takes its share.
Knows nothing of torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kat_ray.arrays import Int64Vector
from kat_ray.client.dataset_weights import DatasetWeights
from kat_ray.errors import InputError, SnapshotMismatchError
from kat_ray.geometry.sampling import draw

_CHUNK_ROWS = 4096
_DEFAULT_SEED = 42


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """The visits of process `rank` among `num_replicas`.

    Draws are visited in blocks of `batch_size`: within a block each draw `mini_repeat_count` times in a row, and the
    whole block `repeat_count` times. Example: draws 4 7 1 9, counts 2, 2, 2: 4 4 7 7 4 4 7 7 1 1 9 9 1 1 9 9.
    """

    weights: DatasetWeights
    seed: int = _DEFAULT_SEED
    num_samples: int | None = None
    """Draws of all processes in an epoch, as many as rows if None; cut to whole blocks, at least one a process."""
    num_replicas: int = 1
    rank: int = 0
    mini_repeat_count: int = 1
    batch_size: int = 1
    repeat_count: int = 1
    num_draws: int = field(init=False)
    """`num_samples` after the cut; floor and ceil are of this number."""

    def __post_init__(self) -> None:
        counts = (self.num_replicas, self.mini_repeat_count, self.batch_size, self.repeat_count)
        if min(counts) < 1:
            raise InputError(f"Processes, repeats and batch size must be at least 1, got {counts}.")
        if not 0 <= self.rank < self.num_replicas:
            raise InputError(f"The rank is {self.rank}, expected 0 to {self.num_replicas - 1}.")
        wanted = len(self.weights.probabilities) if self.num_samples is None else self.num_samples
        if wanted < 1:
            raise InputError(f"num_samples is {wanted}, expected at least 1.")
        unit = self.batch_size * self.num_replicas
        object.__setattr__(self, "num_draws", max(1, wanted // unit) * unit)

    def __len__(self) -> int:
        """Visits of this process in an epoch."""
        return self.num_draws // self.num_replicas * self._repeats

    def draws(self, epoch: int) -> Int64Vector:
        """Rows int64 [num_draws] drawn in an epoch, the same in every process."""
        return draw(self.weights.probabilities, self.num_draws, "systematic", self.seed, epoch)

    def visits(self, epoch: int, start: int = 0) -> Iterator[int]:
        """Rows that this process visits in an epoch, from visit `start` on."""
        own = self.draws(epoch)[self.rank :: self.num_replicas]
        for first in range(start, len(self), _CHUNK_ROWS):
            positions = np.arange(first, min(first + _CHUNK_ROWS, len(self)))
            block, inside = np.divmod(positions, self.batch_size * self._repeats)
            place = inside // self.mini_repeat_count % self.batch_size
            yield from own[block * self.batch_size + place].tolist()

    @property
    def identity(self) -> dict[str, str | int]:
        """What decides the order besides the epoch; plain values, so that it goes into any checkpoint."""
        return {
            "snapshot_id": self.weights.snapshot_id,
            "rows_hash": self.weights.rows_hash,
            "seed": self.seed,
            "num_draws": self.num_draws,
            "mini_repeat_count": self.mini_repeat_count,
            "batch_size": self.batch_size,
            "repeat_count": self.repeat_count,
        }

    def state(self, epoch: int, position: int) -> dict[str, str | int]:
        """The state after `position` visits of this process in an epoch."""
        return {**self.identity, "num_replicas": self.num_replicas, "epoch": epoch, "position": position}

    def resume(self, state: Mapping[str, Any]) -> tuple[int, int]:
        """Epoch and position at which to go on after `state`, here perhaps with another number of processes.

        Raises:
            SnapshotMismatchError: the state is of another snapshot.
            InputError: the state is of another order, or its place lies inside a block and the number of processes
                changed.
        """
        self.check(state)
        epoch, position = int(state["epoch"]), int(state["position"])
        if (before := int(state["num_replicas"])) != self.num_replicas:
            block = self.batch_size * self._repeats
            if position % block or position * before % (block * self.num_replicas):
                raise InputError(
                    f"The state is {position:,} visits into the epoch of one of {before} processes, which "
                    f"{self.num_replicas} processes cannot share in whole blocks. Resume with {before} processes."
                )
            position = position * before // self.num_replicas
        return (epoch + 1, 0) if position >= len(self) else (epoch, position)

    def check(self, state: Mapping[str, Any]) -> None:
        """Refuse a state (or identity) that is not of this order.

        Raises:
            SnapshotMismatchError: it is of another snapshot.
            InputError: it is of another order.
        """
        if (before := state.get("snapshot_id")) != self.weights.snapshot_id:
            raise SnapshotMismatchError(
                f"The saved order draws from snapshot {before}, these weights are of {self.weights.snapshot_id}: the "
                "same order cannot go on. Open the saved snapshot by its id, or start the epoch anew."
            )
        for name, value in self.identity.items():
            if state.get(name) != value:
                raise InputError(
                    f"The saved order has {name} {state.get(name)}, this one {value}; it cannot go on with another "
                    f"{'data set' if name == 'rows_hash' else name}."
                )

    @property
    def _repeats(self) -> int:
        return self.mini_repeat_count * self.repeat_count
