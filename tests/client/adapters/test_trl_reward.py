from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, concatenate_datasets
from trl import RewardConfig, RewardTrainer

from kat_ray.client.adapters.trl_reward import WeightedRewardMixin, weighted_loss
from kat_ray.errors import InputError
from tests.client.tiny_model import pair_data, texts, tiny_reward_model, tiny_tokenizer, trainer_options, weight_table

PROMPTS = texts(6)
COPIES = [3, 1, 2, 1, 4, 1]
TABLE = weight_table(PROMPTS, COPIES)


class WeightedRewardTrainer(WeightedRewardMixin, RewardTrainer):
    pass


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Any]:
    """A trainer of a tiny reward model; plain gradient descent with rate 1, so that a step shows the gradient."""

    def make(dataset: Dataset, weights: Any = TABLE, kind: type = WeightedRewardTrainer, **options: Any) -> Any:
        named = {"weights": weights} if kind is WeightedRewardTrainer else {}
        named |= {name: options.pop(name) for name in ("weight_mode", "weight_cap", "eval_dataset") if name in options}
        plain = {"optim": "sgd", "learning_rate": 1.0, "max_grad_norm": 0.0, "num_train_epochs": 1, "max_length": 64}
        arguments = {"per_device_train_batch_size": len(dataset), **plain, **options}
        return kind(
            tiny_reward_model(),
            args=RewardConfig(**trainer_options(tmp_path, **arguments)),
            train_dataset=dataset,
            processing_class=tiny_tokenizer(),
            **named,
        )

    return make


def step_of(trainer: Any) -> torch.Tensor:
    """How far one pass moves all parameters together."""
    before = torch.cat([value.detach().flatten().clone() for value in trainer.model.parameters()])
    trainer.train()
    return torch.cat([value.detach().flatten() for value in trainer.model.parameters()]) - before


def duplicated(dataset: Dataset, copies: list[int]) -> Dataset:
    rows = [row for row, count in enumerate(copies) for _ in range(count)]
    return dataset.select(rows)


@pytest.mark.parametrize("center", [None, 0.1])
def test_integer_weights_give_the_gradient_of_duplicated_rows(make, center):
    pairs = pair_data(PROMPTS)
    weighted = step_of(make(pairs, center_rewards_coefficient=center))
    copied = step_of(make(duplicated(pairs, COPIES), kind=RewardTrainer, center_rewards_coefficient=center))
    unweighted = step_of(make(pairs, kind=RewardTrainer, center_rewards_coefficient=center))
    torch.testing.assert_close(weighted, copied, rtol=1e-4, atol=1e-7)
    assert (weighted - copied).norm() < 1e-3 * (weighted - unweighted).norm()


def test_margins_are_kept(make):
    pairs = pair_data(PROMPTS).add_column("margin", [0.5 * row for row in range(6)])
    weighted = step_of(make(pairs))
    copied = step_of(make(duplicated(pairs, COPIES), kind=RewardTrainer))
    torch.testing.assert_close(weighted, copied, rtol=1e-4, atol=1e-7)


def test_equal_micro_batches_add_up_to_the_whole(make):
    pairs = pair_data(PROMPTS)
    whole = step_of(make(pairs))
    for size in (1, 2, 3):
        parts = step_of(make(pairs, per_device_train_batch_size=size, gradient_accumulation_steps=6 // size))
        torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-7)


def test_a_short_last_micro_batch_counts_as_much_as_the_others(make):
    pairs = pair_data(PROMPTS)
    step = step_of(
        make(pairs, per_device_train_batch_size=4, gradient_accumulation_steps=2, train_sampling_strategy="sequential")
    )
    weights = np.array(COPIES) / np.mean(COPIES)
    halves = [
        step_of(make(pairs.select(rows), weights=None)) for rows in ([0], [1], [2], [3], [4], [5])
    ]  # the gradient of each pair alone
    expected = sum(halves[row] * weights[row] / 4 for row in range(4)) / 2
    expected = expected + sum(halves[row] * weights[row] / 2 for row in (4, 5)) / 2
    torch.testing.assert_close(step, expected.float(), rtol=1e-3, atol=1e-6)


def test_long_pairs_are_dropped_and_the_others_keep_their_own_weights(make):
    pairs = pair_data(PROMPTS)
    long = pair_data([PROMPTS[0], PROMPTS[4]], answer=" word" * 80)
    mixed = concatenate_datasets([long.select([0]), pairs, long.select([1])]).shuffle(seed=5)
    trainer = make(mixed, max_length=64)
    kept = trainer.train_dataset
    assert len(kept) == 6
    by_prompt = dict(zip(kept["prompt"], kept["loss_weight"], strict=True))
    expected = np.array(COPIES) / np.mean(COPIES)
    assert [by_prompt[prompt] for prompt in PROMPTS] == pytest.approx(expected.tolist())


def test_unknown_pairs_are_neutral_and_counted_and_the_cap_comes_after_the_scaling(make):
    pairs = pair_data([*PROMPTS, "What no snapshot knows"])
    trainer = make(pairs, weight_mode="none", weight_cap=1.6)
    known = np.array(COPIES) / np.mean(COPIES)
    np.testing.assert_allclose(trainer.loss_weights.values, np.minimum([*known, 1.0], 1.6))
    assert trainer.loss_weights.num_unknown == 1
    again = make(pairs, weight_mode="mean", weight_cap=1.6)
    assert again.loss_weights.values.mean() == pytest.approx(1.0)
    np.testing.assert_allclose(
        again.loss_weights.values, make(pairs, weight_mode="sum", weight_cap=1.6).loss_weights.values
    )


def test_the_mean_weight_is_logged_and_evaluation_is_unweighted(make):
    pairs = pair_data(PROMPTS)
    trainer = make(pairs, eval_dataset=pairs, logging_strategy="steps", logging_steps=1)
    trainer.train()
    assert trainer.state.log_history[0]["loss_weight"] == pytest.approx(1.0)
    plain = make(pairs, eval_dataset=pairs, kind=RewardTrainer)
    plain.model.load_state_dict(trainer.model.state_dict())
    assert trainer.evaluate()["eval_loss"] == pytest.approx(plain.evaluate()["eval_loss"], rel=1e-5)


def test_without_weights_the_trainer_is_the_plain_one(make):
    pairs = pair_data(PROMPTS)
    trainer = make(pairs, weights=None)
    assert trainer.loss_weights is None
    torch.testing.assert_close(step_of(trainer), step_of(make(pairs, kind=RewardTrainer)))


def test_conversations_without_a_prompt_column_are_joined_too(make):
    talks = {
        side: [[{"role": "user", "content": prompt}, {"role": "assistant", "content": side}] for prompt in PROMPTS]
        for side in ("chosen", "rejected")
    }
    trainer = make(Dataset.from_dict(talks))
    assert trainer.loss_weights.num_unknown == 0
    np.testing.assert_allclose(trainer.loss_weights.values, np.array(COPIES) / np.mean(COPIES))


def test_a_data_set_of_other_prompts_is_refused(make):
    with pytest.raises(InputError, match="None of the 3 pairs has a prompt with a weight"):
        make(pair_data(["a", "b", "c"]))


def test_the_loss_is_bradley_terry():
    ones = torch.ones(1)
    assert weighted_loss(torch.tensor([0.3, 0.3]), ones).item() == pytest.approx(math.log(2))
    confident = weighted_loss(torch.tensor([100.0, -100.0]), ones).item()
    wrong = weighted_loss(torch.tensor([-100.0, 100.0]), ones).item()
    assert confident < 1e-10
    assert wrong == pytest.approx(200.0)
    rewards = torch.tensor([0.0, 0.0], requires_grad=True)
    weighted_loss(rewards, ones).backward()
    assert rewards.grad.tolist() == [-0.5, 0.5]


def test_the_loss_of_two_pairs_by_hand():
    rewards = torch.tensor([1.0, 0.0, 0.0, 2.0])
    expected = (0.5 * math.log1p(math.exp(-1.0)) + 1.5 * math.log1p(math.exp(2.0))) / 2
    assert weighted_loss(rewards, torch.tensor([0.5, 1.5])).item() == pytest.approx(expected)
