from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kat_ray.client.adapters.samplers import DensitySampler
from kat_ray.client.adapters.trl_grpo import exposure_reward
from kat_ray.client.dataset_weights import dataset_ids, ids_of_prompts
from kat_ray.client.exposure import Exposure
from kat_ray.errors import InputError, SnapshotMismatchError
from tests.client.adapters.gloo_process import Client
from tests.client.grpo_run import GROUP, PROMPTS, DensityGRPOTrainer, DensityRLOOTrainer, Seen, make_trainer
from tests.client.tiny_model import prompt_data, tiny_model, weight_table

TABLE = weight_table(PROMPTS)
IDS = ids_of_prompts(PROMPTS)
SEED = 3


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Any]:
    """Train a tiny model for a few steps; gives the trainer."""

    def run(rewards: list[Any], density: Any = TABLE, resume: str | None = None, **options: Any) -> Any:
        trainer = make_trainer(tmp_path / "run", density, rewards, **options)
        trainer.train(resume_from_checkpoint=resume)
        return trainer

    return run


def passes(table: Any = TABLE, ids: list[str] = IDS) -> list[int]:
    """Rows of the first two epochs."""
    sampler = DensitySampler(ids, table, seed=SEED)
    return [*sampler, *sampler]


@pytest.mark.parametrize("kind", [DensityGRPOTrainer, DensityRLOOTrainer])
def test_prompts_reach_the_reward_by_weight_and_in_whole_groups(train, kind):
    seen, exposure = Seen(), Exposure(TABLE, IDS, group_size=GROUP)
    train([seen, exposure_reward(exposure)], kind=kind, max_steps=6)
    assert seen.draws == passes()[:12]
    assert exposure.report().num_draws == 12
    np.testing.assert_array_equal(exposure.counts, GROUP * np.bincount(seen.draws, minlength=12))


def test_the_exposure_changes_no_reward(train):
    alone = train([Seen()]).model.state_dict()
    counted = train([Seen(), exposure_reward(Exposure(TABLE, group_size=GROUP))]).model.state_dict()
    assert all(alone[name].equal(counted[name]) for name in alone)
    before = tiny_model().state_dict()
    assert any(not alone[name].equal(before[name]) for name in alone)


def test_reused_generations_keep_the_order_of_draws(train):
    seen = Seen()
    train([seen], num_iterations=2, steps_per_generation=4, max_steps=8)
    assert seen.draws == passes()[: len(seen.draws)]
    assert len(seen.draws) == 8


@pytest.mark.parametrize("kind", [DensityGRPOTrainer, DensityRLOOTrainer])
@pytest.mark.parametrize("stop", [2, 6, 9])
def test_a_resumed_run_trains_on_what_the_uninterrupted_one_would_have(train, tmp_path, kind, stop):
    first, second = Seen(), Seen()
    train([first], kind=kind, max_steps=stop, save_strategy="steps", save_steps=stop)
    train([second], kind=kind, max_steps=12, resume=str(tmp_path / "run" / f"checkpoint-{stop}"))
    assert first.draws + second.draws == passes()


def test_a_checkpoint_restores_callbacks_too_when_asked(train, tmp_path):
    first, second = Seen(), Seen()
    train([first], max_steps=2, save_strategy="steps", save_steps=2)
    checkpoint = str(tmp_path / "run" / "checkpoint-2")
    train([second], max_steps=4, resume=checkpoint, restore_callback_states_from_checkpoint=True)
    assert first.draws + second.draws == passes()[:8]


def test_a_checkpoint_of_another_order_is_refused(train, tmp_path):
    train([Seen()], save_strategy="steps", save_steps=2)
    checkpoint = str(tmp_path / "run" / "checkpoint-2")
    with pytest.raises(SnapshotMismatchError, match="Open the saved snapshot by its id"):
        train([Seen()], weight_table(PROMPTS, snapshot_id="f" * 16), resume=checkpoint, max_steps=4)
    with pytest.raises(InputError, match="another data set"):
        train([Seen()], dataset=prompt_data(PROMPTS[::-1]), resume=checkpoint, max_steps=4)


def test_a_newer_snapshot_counts_from_the_next_epoch_on(train, tmp_path):
    seen, newer = Seen(), weight_table(PROMPTS, np.arange(1, 13), "f" * 16)
    client = Client(TABLE)

    def publish(completions: list[str], **_: Any) -> list[float]:
        client.newer = newer
        return [0.0] * len(completions)

    train([seen, publish], client, refresh=True, max_steps=12, save_strategy="steps", save_steps=6)
    assert seen.draws == passes()[:12] + passes(newer)[12:]
    resumed = Seen()
    train([resumed], Client(newer), refresh=True, resume=str(tmp_path / "run" / "checkpoint-6"), max_steps=12)
    assert resumed.draws == passes(newer)[12:]


def test_a_run_that_is_resumed_within_an_epoch_ends_it_with_the_old_snapshot(train, tmp_path):
    newer = weight_table(PROMPTS, np.arange(1, 13), "f" * 16)
    first, second = Seen(), Seen()
    train([first], Client(TABLE), refresh=True, max_steps=2, save_strategy="steps", save_steps=2)
    train([second], Client(TABLE, newer), refresh=True, resume=str(tmp_path / "run" / "checkpoint-2"), max_steps=12)
    assert first.draws + second.draws == passes()[:12] + passes(newer)[12:]


def test_a_filtered_and_shuffled_data_set_is_joined_by_id(train):
    seen = Seen()
    dataset = prompt_data(PROMPTS).filter(lambda row: row["row"] % 3 > 0).shuffle(seed=1)
    train([seen], dataset=dataset, max_steps=4)
    assert seen.draws == [dataset[row]["row"] for row in passes(ids=dataset_ids(dataset))[:8]]
    assert TABLE.weights[seen.draws].mean() > TABLE.weights[dataset["row"]].mean()


def test_conversations_are_known_by_their_first_user_message(train):
    seen, exposure = Seen(), Exposure(TABLE, group_size=GROUP)
    dataset = prompt_data(PROMPTS).map(lambda row: {"prompt": [{"role": "user", "content": row["prompt"]}]})

    def length(completions: list[Any], row: list[int], **columns: Any) -> list[float]:
        return seen([reply[0]["content"] for reply in completions], row, **columns)

    train([length, exposure_reward(exposure)], dataset=dataset)
    assert seen.draws == passes()[:4]
    assert (exposure.report().num_draws, exposure.report().num_unknown) == (4, 0)


def test_altered_prompts_are_known_by_a_column_of_ids(train):
    seen, exposure = Seen(), Exposure(TABLE, group_size=GROUP)
    dataset = prompt_data([f"Question: {text}" for text in PROMPTS]).add_column("prompt_id", IDS)
    train([seen, exposure_reward(exposure)], dataset=dataset)
    assert seen.draws == passes()[:4]
    assert exposure.report().num_unknown == 0


def test_the_uniform_arm_differs_in_one_argument(train):
    seen, exposure = Seen(), Exposure(TABLE, group_size=GROUP)
    train([seen, exposure_reward(exposure)], None, max_steps=6)
    assert sorted(seen.draws) == list(range(12))
    assert exposure.counts.tolist() == [GROUP] * 12


def test_evaluation_is_not_counted_as_exposure(train):
    exposure = Exposure(TABLE, group_size=GROUP)
    trainer = train([Seen(), exposure_reward(exposure)])
    trainer.evaluate(prompt_data(PROMPTS))
    assert exposure.report().num_draws == 4


def test_an_exposure_of_another_group_size_is_refused(train):
    with pytest.raises(InputError, match=r"counts groups of 1, the trainer makes 4 .*group_size=4"):
        train([exposure_reward(Exposure(TABLE))])


def test_an_exposure_of_a_run_that_changes_snapshots_is_refused(train):
    with pytest.raises(InputError, match=r"weights of one snapshot.* refresh=False"):
        train([Seen(), exposure_reward(Exposure(TABLE, group_size=GROUP))], Client(TABLE), refresh=True)


def test_an_exposure_reward_without_the_mixin_is_refused():
    with pytest.raises(InputError, match="put DensityGRPO before the trainer class"):
        exposure_reward(Exposure(TABLE))(prompts=["a"], completions=["b"])


def test_a_streamed_data_set_is_refused(train):
    with pytest.raises(InputError, match="Load it whole, or set density=None"):
        train([Seen()], dataset=prompt_data(PROMPTS).to_iterable_dataset())
