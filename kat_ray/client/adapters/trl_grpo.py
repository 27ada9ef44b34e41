"""Density-weighted prompts in TRL's GRPOTrainer and RLOOTrainer, and a count of what they really trained on.

    class Trainer(DensityGRPO, GRPOTrainer):
        pass

    trainer = Trainer(model, density=client, reward_funcs=[reward, exposure_reward(exposure)], ...)

Nothing of TRL is imported or patched: the mixin replaces the one method that makes the sampler of the training set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.distributed as dist
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from kat_ray.client.adapters.samplers import DensitySampler, GroupDensitySampler
from kat_ray.client.dataset_weights import ID_COLUMN, PROMPT_COLUMNS, WeightSource, dataset_ids
from kat_ray.client.exposure import Exposure
from kat_ray.errors import InputError


class DensityGRPO:
    """Mixin, named before the trainer: prompts are drawn by weight, groups and steps stay as the trainer has them.

    `density` is a WeightsClient or a WeightTable; None leaves the trainer's own uniform sampler, for the other arm of a
    comparison. Prompts are joined by id (`dataset_ids`). `refresh` looks for a newer snapshot before each epoch. The
    seed is the trainer's `args.seed`. A checkpoint of another snapshot, seed or data set is refused on resume.
    """

    args: Any
    reward_funcs: Any

    def __init__(self, *args: Any, density: WeightSource | None = None, refresh: bool = False, **kwargs: Any) -> None:
        self._density, self._refresh = density, refresh
        super().__init__(*args, **kwargs)
        if density is not None:
            self.add_callback(_SamplerEpochs())  # type: ignore[attr-defined]
        for reward in self.reward_funcs:
            if isinstance(reward, ExposureReward):
                reward.attach(self, refresh=refresh)

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        own = super()._get_train_sampler(dataset)  # type: ignore[misc]
        if self._density is None:
            return own
        try:
            repeats = {name: getattr(own, name) for name in ("mini_repeat_count", "batch_size", "repeat_count")}
        except AttributeError as error:
            raise InputError(
                f"{type(self).__name__} samples with {type(own).__name__}; expected TRL's RepeatSampler, whose groups "
                "can be kept. DensityGRPO goes before GRPOTrainer or RLOOTrainer, with a data set that has a length."
            ) from error
        ids = dataset_ids(own.data_source)
        return GroupDensitySampler(ids, self._density, seed=self.args.seed, refresh=self._refresh, **repeats)


class ExposureReward:
    """A reward function of value 0 that counts the prompts of a DensityGRPO trainer; see `exposure_reward`."""

    __name__ = "exposure"

    def __init__(self, exposure: Exposure) -> None:
        self.exposure = exposure
        self._trainer: Any = None

    def attach(self, trainer: Any, *, refresh: bool = False) -> None:
        """Count for this trainer; the mixin calls it.

        Raises:
            InputError: the exposure's group size is not the trainer's number of generations, or the trainer takes newer
                snapshots, whose draws would be counted against this one's weights.
        """
        if refresh:
            raise InputError(
                "An exposure counts against the weights of one snapshot, so right draws of a newer one would raise its "
                "alarm. Train with refresh=False, or without exposure_reward."
            )
        if self.exposure.group_size != trainer.num_generations:
            raise InputError(
                f"The exposure counts groups of {self.exposure.group_size}, the trainer makes "
                f"{trainer.num_generations} completions a prompt: Exposure(..., group_size={trainer.num_generations})."
            )
        self._trainer = trainer

    def __call__(self, prompts: Sequence[Any], **columns: Any) -> list[float]:
        """Zeros; records the prompts of all processes in each of them, those of evaluation not."""
        if self._trainer is None:
            raise InputError("This exposure reward has no trainer; put DensityGRPO before the trainer class.")
        if self._trainer.model.training:
            named = {name: columns[name] for name in (ID_COLUMN, *PROMPT_COLUMNS) if name in columns}
            given = {"prompt": prompts, **named}
            rows = [dict(zip(given, values, strict=True)) for values in zip(*given.values(), strict=True)]
            self.exposure.record(_of_all_processes(dataset_ids(rows)))
        return [0.0] * len(prompts)


def _of_all_processes(ids: list[str]) -> list[str]:
    if not (dist.is_available() and dist.is_initialized()):
        return ids
    parts: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(parts, ids)
    return [text for part in parts for text in part]


def exposure_reward(exposure: Exposure) -> ExposureReward:
    """A reward function for `reward_funcs` of a DensityGRPO trainer: adds 0 and feeds `exposure`.

    With `args.reward_weights` give it a weight of its own, any number. Every process ends with the counts of all.
    """
    return ExposureReward(exposure)


class _SamplerEpochs(TrainerCallback, ExportableState):  # type: ignore[misc]
    """Tells the sampler its epoch, and keeps its identity in the trainer's checkpoints.

    The loader tells the epoch too, but not after a resume with several processes (accelerate 1.15: the sampler then
    lies one layer deeper than it looks).
    """

    def __init__(self) -> None:
        self._sampler: DensitySampler | None = None

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """Refuse to go on in another order than the checkpoint's; a newer snapshot may come between epochs."""
        self._sampler = _sampler_of(kwargs["train_dataloader"])
        saved = state.stateful_callbacks.get(type(self).__name__)
        between_epochs = float(state.epoch or 0).is_integer()
        if state.global_step > 0 and not (self._sampler.follows and between_epochs):
            self._sampler.hold()
            if saved is not None:
                self._sampler.check(saved["attributes"]["identity"])

    def on_epoch_begin(self, _args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """The epoch of a resumed state is a fraction; the order is that of its whole part."""
        _sampler_of(kwargs["train_dataloader"]).set_epoch(int(state.epoch or 0))

    def state(self) -> dict[str, Any]:
        """What the trainer writes into its state file."""
        return {"args": {}, "attributes": {"identity": self._sampler.identity if self._sampler else {}}}


def _sampler_of(loader: Any) -> DensitySampler:
    """The sampler below whatever layers of batches the loader was prepared with."""
    layer = loader
    while layer is not None:
        if isinstance(sampler := getattr(layer, "sampler", None), DensitySampler):
            return sampler
        layer = getattr(layer, "batch_sampler", None)
    raise InputError(
        "The trainer does not sample by weight: a streamed data set has no rows to choose from. Load it whole, or set "
        "density=None."
    )
