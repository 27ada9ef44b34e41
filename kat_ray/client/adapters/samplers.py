"""Samplers for torch data loaders that draw rows by weight.

The stream is the same in every process. Under accelerate or a Hugging Face trainer, which deal out batches themselves,
leave num_replicas at 1; for plain DistributedDataParallel give num_replicas and rank, and each process gets its share.
At the start of each pass the processes compare what they draw from, so all of them must iterate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch.distributed as dist
from torch.utils.data import Sampler

from kat_ray.client.dataset_weights import DatasetWeights, WeightSource, dataset_weights, joined
from kat_ray.client.epoch_plan import EpochPlan
from kat_ray.errors import InputError, KatRayError, SnapshotMismatchError
from kat_ray.snapshot.weight_table import WeightTable


class Refreshing(Protocol):
    """A client that can move to a newer snapshot: `WeightsClient`."""

    @property
    def snapshot_id(self) -> str:
        """The snapshot in use."""
        ...

    @property
    def table(self) -> WeightTable:
        """Its weights."""
        ...

    def refresh(self, snapshot_id: str | None = None) -> bool:
        """Move to the newest snapshot, or to exactly this one."""
        ...


class DensitySampler(Sampler[int]):
    """Draws rows of a data set whose prompt ids are `ids`, each floor or ceil of num_samples * p times an epoch.

    Example: `DataLoader(dataset, sampler=DensitySampler(dataset_ids(dataset), client, seed=42))`.

    A pass over the sampler, whole or broken off, is an epoch and the next pass is the next one; `set_epoch` chooses
    another. `refresh=True` looks for a newer snapshot before each epoch and takes it when every process of the group
    can; `source` must be a client. `agree=False` leaves out the comparison with the other processes of torch's group,
    for when not all of them iterate.

    Raises:
        SnapshotMismatchError: at the start of a pass, in every process: they hold different snapshots.
        InputError: no rows, no known prompts, or counts that do not fit; see `dataset_weights` and `EpochPlan`.
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
        per_prompt: bool = False,
        refresh: bool = False,
        agree: bool = True,
    ) -> None:
        self._plan = EpochPlan(joined(ids, source, per_prompt), seed, num_samples, num_replicas, rank)
        self._epoch = self._position = self._pending = 0
        self._agree, self._holds, self._begun = agree, False, False
        self._follower = _follower(ids, source, per_prompt) if refresh else None

    @property
    def weights(self) -> DatasetWeights:
        """Probabilities of the rows, and how many of them the snapshot does not know."""
        return self._plan.weights

    @property
    def identity(self) -> dict[str, str | int]:
        """What decides the order besides the epoch."""
        return self._plan.identity

    @property
    def follows(self) -> bool:
        """Whether it takes newer snapshots between epochs."""
        return self._follower is not None

    @property
    def epoch(self) -> int:
        """The epoch of the pass that runs, or else of the next one."""
        return self._epoch

    def __len__(self) -> int:
        """Rows that this process gets in a whole epoch."""
        return len(self._plan)

    def __iter__(self) -> Iterator[int]:
        if self._begun:  # and broken off
            self.set_epoch(self._epoch + 1)
        start, self._pending = self._pending, 0
        holds, self._holds = self._holds, False
        if start == 0 and self._follower is not None and not holds:
            self._plan = self._follower.newest(self._plan)
        if self._agree:
            _require_agreement({**self._plan.identity, "epoch": self._epoch})
        plan, epoch, self._position, self._begun = self._plan, self._epoch, start, True
        for row in plan.visits(epoch, start):
            self._position += 1
            yield row
        if self._epoch == epoch:
            self.set_epoch(epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Make `epoch` the next pass; a loaded position in this very epoch stays."""
        self._begun = False
        if epoch != self._epoch:
            self._epoch, self._position, self._pending = epoch, 0, 0

    def hold(self) -> None:
        """Let the next pass keep these weights: a trainer goes on in the middle of one that it began with them."""
        self._holds = True

    def state_dict(self, position: int | None = None) -> dict[str, str | int]:
        """Where the pass stands: plain values.

        A loader with workers reads ahead; then give as `position` the rows of this epoch that were trained on.
        """
        return self._plan.state(self._epoch, self._position if position is None else position)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next pass begin with the row after `state`; the number of processes may have changed.

        Raises:
            SnapshotMismatchError: the state is of another snapshot.
            InputError: the state is of another order.
        """
        self._epoch, self._pending = self._plan.resume(state)
        self._position, self._begun = self._pending, False

    def check(self, identity: Mapping[str, Any]) -> None:
        """Refuse an identity or state that is not of this order. Raises as `load_state_dict`."""
        self._plan.check(identity)


class GroupDensitySampler(DensitySampler):
    """The same for group-relative trainers, in the order of TRL's RepeatSampler.

    Each draw comes `mini_repeat_count` times in a row (the completions of one group), each block of `batch_size` draws
    `repeat_count` times. num_samples counts draws. With num_replicas above 1 a group stays in one process.
    `options` are those of DensitySampler.
    """

    def __init__(
        self,
        ids: Sequence[str] | DatasetWeights,
        source: WeightSource | None = None,
        *,
        mini_repeat_count: int,
        batch_size: int = 1,
        repeat_count: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(ids, source, **options)
        self._plan = replace(
            self._plan, mini_repeat_count=mini_repeat_count, batch_size=batch_size, repeat_count=repeat_count
        )


class _Follower:
    """Joins the rows again when there is a newer snapshot that all processes of the group can have."""

    def __init__(self, ids: Sequence[str], client: Refreshing, per_prompt: bool) -> None:
        self._ids, self._client, self._per_prompt = ids, client, per_prompt

    def newest(self, plan: EpochPlan) -> EpochPlan:
        """The plan with the newest weights, or the plan itself."""
        table = self._agreed_table()
        if table is None or table.snapshot_id == plan.weights.snapshot_id:
            return plan
        return replace(plan, weights=dataset_weights(table, self._ids, self._per_prompt))

    def _agreed_table(self) -> WeightTable | None:
        """The table that the first process found, if the others got it too; else None, the same in all of them."""
        if not _in_group():
            self._client.refresh()
            return self._client.table
        found: list[Any] = [self._find() if dist.get_rank() == 0 else None]
        dist.broadcast_object_list(found)
        if isinstance(found[0], KatRayError):
            raise found[0]
        answers = _of_all_processes(dist.get_rank() == 0 or self._moves_to(found[0]))
        return self._client.table if all(answers) else None

    def _find(self) -> str | KatRayError:
        """The newest snapshot; an error goes to all processes, so that none waits for this one."""
        try:
            self._client.refresh()
        except KatRayError as error:
            return error
        return self._client.snapshot_id

    def _moves_to(self, snapshot_id: str) -> bool:
        try:
            self._client.refresh(snapshot_id=snapshot_id)
        except (KatRayError, OSError):
            return False
        return self._client.snapshot_id == snapshot_id


def _follower(ids: Sequence[str] | DatasetWeights, source: Any, per_prompt: bool) -> _Follower:
    if isinstance(ids, DatasetWeights) or not hasattr(source, "refresh"):
        raise InputError("refresh=True needs the ids of the rows and a WeightsClient, which can look for newer ones.")
    return _Follower(ids, source, per_prompt)


def _require_agreement(order: dict[str, str | int]) -> None:
    """Refuse to draw when another process of the group would draw otherwise; all of them raise the same."""
    orders = _of_all_processes(order)
    for rank, other in enumerate(orders):
        for name, value in orders[0].items():
            if other[name] != value:
                kind = SnapshotMismatchError if name == "snapshot_id" else InputError
                raise kind(
                    f"Process 0 draws with {name} {value}, process {rank} with {other[name]}; groups would be mixed. "
                    "Give all processes the same: WeightsClient(..., snapshot_id=...) keeps to one snapshot."
                )


def _of_all_processes(value: Any) -> list[Any]:
    """What each process of the group gives, by rank."""
    if not _in_group():
        return [value]
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def _in_group() -> bool:
    return bool(dist.is_available() and dist.is_initialized())
