"""An endless stream of draws for any training loop: rows of a data set, or ids of a snapshot's prompts.

For loops without a sampler of their own, such as nanochat's `get_batch`: `next(stream)` in place of the loop's own
cycle over indices. Epoch follows epoch; a checkpoint keeps `state_dict()`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kat_ray.client.dataset_weights import DatasetWeights, WeightSource, joined, weight_table
from kat_ray.client.epoch_plan import EpochPlan


class RowStream:
    """Rows of a data set whose prompt ids are `ids`, drawn by weight.

    Example: `for example_idx in RowStream(ids, client, num_replicas=world_size, rank=rank)`.

    Raises:
        InputError: no rows, no known prompts, or counts that do not fit; see `EpochPlan`.
    """

    def __init__(
        self,
        ids: Sequence[str] | DatasetWeights,
        source: WeightSource | None = None,
        *,
        seed: int = 42,
        num_samples: int | None = None,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        self.weights = joined(ids, source)
        self._plan = EpochPlan(self.weights, seed, num_samples, num_replicas, rank)
        self._go_to(0, 0)

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        row = next(self._visits, None)
        if row is None:
            self._go_to(self.epoch + 1, 0)
            row = next(self._visits)
        self._position += 1
        return row

    def state_dict(self) -> dict[str, str | int]:
        """Where the stream stands: plain values."""
        return self._plan.state(self.epoch, self._position)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the next draw after `state`. Raises as `EpochPlan.resume`."""
        self._go_to(*self._plan.resume(state))

    def _go_to(self, epoch: int, position: int) -> None:
        self.epoch, self._position = epoch, position
        self._visits = self._plan.visits(epoch, position)


class IdStream:
    """Ids of a snapshot's own prompts, drawn by weight, for loops that look prompts up by id.

    Example: `stream = IdStream(client); prompt = prompts[next(stream)]`.
    """

    def __init__(
        self,
        source: WeightSource,
        *,
        seed: int = 42,
        num_samples: int | None = None,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        table = weight_table(source)
        self._keys = table.keys
        own = DatasetWeights(table.snapshot_id, table.snapshot_id, table.weights, num_unknown=0, num_shared=0)
        self._rows = RowStream(own, seed=seed, num_samples=num_samples, num_replicas=num_replicas, rank=rank)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return f"{int(self._keys[next(self._rows)]):016x}"

    def state_dict(self) -> dict[str, str | int]:
        """Where the stream stands: plain values."""
        return self._rows.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the next draw after `state`. Raises as `EpochPlan.resume`."""
        self._rows.load_state_dict(state)
