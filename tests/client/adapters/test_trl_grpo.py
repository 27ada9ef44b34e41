from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from kat_ray.client.adapters.samplers import DensitySampler, GroupDensitySampler
from kat_ray.client.adapters.trl_grpo import DensityGRPO, exposure_reward
from kat_ray.client.dataset_weights import dataset_ids, ids_of_prompts
from kat_ray.client.exposure import Exposure
from kat_ray.errors import InputError, SnapshotMismatchError
from tests.client.tiny_model import prompt_data, texts, tiny_model, tiny_tokenizer, trainer_options, weight_table

PROMPTS = texts(12)
TABLE = weight_table(PROMPTS)
GROUP = 4


class DensityGRPOTrainer(DensityGRPO, GRPOTrainer):
    pass


class DensityRLOOTrainer(DensityGRPO, RLOOTrainer):
    pass


class Seen:
    """A reward function that keeps what it was given: rows of the data set, call by call."""

    __name__ = "length"

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def __call__(self, completions: list[str], row: list[int], **_: Any) -> list[float]:
        self.calls.append(list(row))
        return [float(len(text)) for text in completions]

    @property
    def rows(self) -> np.ndarray:
        return np.concatenate(self.calls)


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Any]:
    """Train a tiny model for a few steps; gives the trainer."""

    def run(
        rewards: list[Any],
        kind: type = DensityGRPOTrainer,
        resume: str | None = None,
        density: Any = TABLE,
        dataset: Any = None,
        refresh: bool = False,
        **options: Any,
    ) -> Any:
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
        trainer = kind(
            tiny_model(),
            density=density,
            refresh=refresh,
            reward_funcs=rewards,
            args=config(**trainer_options(tmp_path / "run", **arguments)),
            train_dataset=prompt_data(PROMPTS) if dataset is None else dataset,
            processing_class=tiny_tokenizer(),
        )
        trainer.train(resume_from_checkpoint=resume)
        return trainer

    return run


def by_weight(seed: int = 3, prompts: list[str] = PROMPTS) -> list[list[int]]:
    """Rows of the first epochs in the order of draws, for blocks of two prompts."""
    sampler = DensitySampler(ids_of_prompts(prompts), TABLE, seed=seed)
    return [list(sampler) for _ in range(4)]


@pytest.mark.parametrize("kind", [DensityGRPOTrainer, DensityRLOOTrainer])
def test_prompts_reach_the_reward_by_weight_and_in_whole_groups(train, kind):
    seen, exposure = Seen(), Exposure(TABLE, dataset_ids(prompt_data(PROMPTS)), group_size=GROUP)
    train([seen, exposure_reward(exposure)], kind, max_steps=6)
    groups = seen.rows.reshape(-1, GROUP)
    assert (groups == groups[:, :1]).all()
    assert groups[:, 0].tolist() == by_weight()[0]
    assert exposure.report().num_draws == 12
    np.testing.assert_array_equal(exposure.counts, np.bincount(seen.rows, minlength=12))


def test_the_model_learns_from_them(train):
    before = tiny_model().state_dict()
    after = train([Seen()]).model.state_dict()
    assert any(not before[name].equal(after[name]) for name in before)


def test_reused_generations_keep_the_order_of_blocks(train):
    seen = Seen()
    train([seen], num_iterations=2, steps_per_generation=4, max_steps=8)
    draws = GroupDensitySampler(dataset_ids(prompt_data(PROMPTS)), TABLE, seed=3, mini_repeat_count=1, batch_size=4)
    assert seen.rows.reshape(-1, GROUP)[:, 0].tolist() == list(draws)[: len(seen.rows) // GROUP]


@pytest.mark.parametrize("stop", [2, 6, 9])
def test_a_resumed_run_trains_on_what_the_uninterrupted_one_would_have(train, tmp_path, stop):
    whole, first, second = Seen(), Seen(), Seen()
    train([whole], max_steps=12)
    train([first], max_steps=stop, save_strategy="steps", save_steps=stop)
    train([second], max_steps=12, resume=str(tmp_path / "run" / f"checkpoint-{stop}"))
    assert first.calls + second.calls == whole.calls
    assert len(whole.rows) == 12 * 2 * GROUP


def test_a_checkpoint_of_another_order_is_refused(train, tmp_path):
    train([Seen()], save_strategy="steps", save_steps=2)
    checkpoint = str(tmp_path / "run" / "checkpoint-2")
    with pytest.raises(SnapshotMismatchError, match="Open the saved snapshot by its id"):
        train([Seen()], density=weight_table(PROMPTS, snapshot_id="f" * 16), resume=checkpoint, max_steps=4)
    with pytest.raises(InputError, match="another data set"):
        train([Seen()], dataset=prompt_data(PROMPTS[::-1]), resume=checkpoint, max_steps=4)


def test_a_filtered_and_shuffled_data_set_is_joined_by_id(train):
    seen = Seen()
    dataset = prompt_data(PROMPTS).filter(lambda row: row["row"] % 3 > 0).shuffle(seed=1)
    train([seen], dataset=dataset, max_steps=4)
    sampler = DensitySampler(dataset_ids(dataset), TABLE, seed=3)
    expected = [dataset[row]["row"] for row in sampler]
    assert seen.rows.reshape(-1, GROUP)[:, 0].tolist() == expected
    drawn = [TABLE.weights[row] for row in expected]
    assert len(set(expected)) <= 8
    assert np.mean(drawn) > TABLE.weights[dataset["row"]].mean()


def test_conversations_are_known_by_their_first_user_message(train):
    seen, exposure = Seen(), Exposure(TABLE, group_size=GROUP)
    dataset = prompt_data(PROMPTS).map(lambda row: {"prompt": [{"role": "user", "content": row["prompt"]}]})

    def length(completions: list[Any], row: list[int], **columns: Any) -> list[float]:
        return seen([reply[0]["content"] for reply in completions], row, **columns)

    train([length, exposure_reward(exposure)], dataset=dataset)
    assert seen.rows.reshape(-1, GROUP)[:, 0].tolist() == by_weight()[0][:4]
    assert (exposure.report().num_draws, exposure.report().num_unknown) == (4, 0)


def test_the_uniform_arm_differs_in_one_argument(train):
    seen, exposure = Seen(), Exposure(TABLE, group_size=GROUP)
    train([seen, exposure_reward(exposure)], density=None, max_steps=6)
    assert sorted(seen.rows.reshape(-1, GROUP)[:, 0].tolist()) == list(range(12))
    assert exposure.report().observed != exposure.report().expected


def test_evaluation_is_not_counted_as_exposure(train):
    exposure = Exposure(TABLE, group_size=GROUP)
    trainer = train([Seen(), exposure_reward(exposure)])
    counted = exposure.report().num_draws
    trainer.evaluate(prompt_data(PROMPTS))
    assert exposure.report().num_draws == counted == 4


def test_an_exposure_of_another_group_size_is_refused(train):
    with pytest.raises(InputError, match=r"counts groups of 1, the trainer makes 4 .*group_size=4"):
        train([exposure_reward(Exposure(TABLE))])


def test_an_exposure_reward_without_the_mixin_is_refused():
    with pytest.raises(InputError, match="put DensityGRPO before the trainer class"):
        exposure_reward(Exposure(TABLE))(prompts=["a"], completions=["b"])


def test_a_streamed_data_set_is_refused(train):
    with pytest.raises(InputError, match="Load it whole, or set density=None"):
        train([Seen()], dataset=prompt_data(PROMPTS).to_iterable_dataset())
