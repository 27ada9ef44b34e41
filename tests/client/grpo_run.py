"""A GRPO (or RLOO) trainer of the tiny model, made in one call, and a reward function that keeps what it was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from kat_ray.client.adapters.trl_grpo import DensityGRPO
from tests.client.tiny_model import prompt_data, texts, tiny_model, tiny_tokenizer, trainer_options

GROUP = 4
PROMPTS = texts(12)


class DensityGRPOTrainer(DensityGRPO, GRPOTrainer):
    pass


class DensityRLOOTrainer(DensityGRPO, RLOOTrainer):
    pass


class Seen:
    """Rewards long completions, and keeps the rows of the data set that it was asked about, call by call."""

    __name__ = "length"

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def __call__(self, completions: list[str], row: list[int], **_: Any) -> list[float]:
        self.calls.append(list(row))
        return [float(len(text)) for text in completions]

    @property
    def draws(self) -> list[int]:
        """One row a group, after a check that the groups are whole."""
        groups = np.concatenate(self.calls).reshape(-1, GROUP)
        assert (groups == groups[:, :1]).all(), "groups are mixed"
        return groups[:, 0].tolist()


def make_trainer(
    folder: Path,
    density: Any,
    rewards: list[Any],
    *,
    kind: type = DensityGRPOTrainer,
    dataset: Any = None,
    refresh: bool = False,
    **options: Any,
) -> Any:
    """Two prompts a step with four completions each on one process; an epoch of the twelve prompts is six steps."""
    arguments = {
        "num_generations": GROUP,
        "max_completion_length": 4,
        "beta": 0.0,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2,
        "max_steps": 2,
        **options,
    }
    config = RLOOConfig if issubclass(kind, RLOOTrainer) else GRPOConfig
    return kind(
        tiny_model(),
        density=density,
        refresh=refresh,
        reward_funcs=rewards,
        args=config(**trainer_options(folder, **arguments)),
        train_dataset=prompt_data(PROMPTS) if dataset is None else dataset,
        processing_class=tiny_tokenizer(),
    )
