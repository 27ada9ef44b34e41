from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kat_ray.client.dataset_weights import DatasetWeights
from kat_ray.client.epoch_plan import EpochPlan
from kat_ray.errors import InputError, SnapshotMismatchError


def weights(values: list[float], snapshot_id: str = "a" * 16, rows_hash: str = "r") -> DatasetWeights:
    probabilities = np.array(values, np.float64) / np.sum(values)
    return DatasetWeights(snapshot_id, rows_hash, probabilities, num_unknown=0, num_shared=0)


POSITIVE = st.lists(st.floats(0.01, 100.0), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(POSITIVE, st.integers(1, 200), st.integers(0, 5))
def test_each_row_comes_floor_or_ceil_of_its_share(values, num_samples, epoch):
    plan = EpochPlan(weights(values), seed=1, num_samples=num_samples)
    counts = np.bincount(list(plan.visits(epoch)), minlength=len(values))
    assert counts.sum() == len(plan) == num_samples
    expected = num_samples * plan.weights.probabilities
    assert (np.abs(counts - expected) < 1.0 + 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(POSITIVE, st.integers(1, 100), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_visits_are_the_draws_in_groups_and_blocks(values, num_samples, replicas, mini, batch, repeat):
    plans = [
        EpochPlan(weights(values), 5, num_samples, replicas, rank, mini, batch, repeat) for rank in range(replicas)
    ]
    for plan in plans:
        own = plan.draws(2)[plan.rank :: replicas].reshape(-1, batch)
        expected = [row for block in own for _ in range(repeat) for row in np.repeat(block, mini)]
        assert list(plan.visits(2)) == expected
        assert len(plan) == len(expected)
        assert list(plan.visits(2, start=len(expected) // 2)) == expected[len(expected) // 2 :]
    assert len({len(plan) for plan in plans}) == 1


def test_the_order_depends_on_seed_epoch_and_weights_and_on_nothing_else():
    values = [1.0, 2.0, 3.0, 4.0] * 20
    same = [list(EpochPlan(weights(values), 7).visits(3)) for _ in range(2)]
    assert same[0] == same[1]
    others = [EpochPlan(weights(values), 8).visits(3), EpochPlan(weights(values), 7).visits(4)]
    assert all(list(other) != same[0] for other in others)


def test_copies_are_spread_over_the_epoch():
    plan = EpochPlan(weights([8.0] + [1.0] * 92), num_samples=100)
    in_quarters = [np.bincount(np.flatnonzero(plan.draws(epoch) == 0) // 25, minlength=4) for epoch in range(100)]
    assert np.sum(in_quarters, axis=1).tolist() == [8] * 100
    assert np.abs(np.array(in_quarters) - 2).mean() < 0.5  # 0.97 for independent draws


def test_rows_too_rare_for_one_epoch_come_in_others():
    plan = EpochPlan(weights([1.0] * 100), num_samples=10)
    seen = np.bincount(np.concatenate([plan.draws(epoch) for epoch in range(400)]), minlength=100)
    assert seen.min() > 15
    assert seen.max() < 75


def test_an_epoch_is_cut_to_whole_blocks_of_all_processes_and_is_never_empty():
    assert EpochPlan(weights([1.0] * 10), batch_size=4).num_draws == 8
    assert EpochPlan(weights([1.0] * 10), num_replicas=2, batch_size=4).num_draws == 8
    assert EpochPlan(weights([1.0] * 3), num_replicas=2, batch_size=4).num_draws == 8


def test_a_state_is_plain_and_leads_to_the_exact_next_visit():
    plan = EpochPlan(weights([1.0, 5.0, 2.0] * 5), mini_repeat_count=2, batch_size=3)
    visits = list(plan.visits(4))
    state = json.loads(json.dumps(plan.state(4, 7)))
    epoch, position = plan.resume(state)
    assert list(plan.visits(epoch, position)) == visits[7:]
    assert plan.resume(plan.state(4, len(plan))) == (5, 0)


def test_processes_may_join_or_leave_at_a_whole_block():
    values = weights([1.0, 5.0, 2.0] * 8)
    before = [EpochPlan(values, num_replicas=2, rank=rank, mini_repeat_count=2, batch_size=3) for rank in (0, 1)]
    alone = EpochPlan(values, mini_repeat_count=2, batch_size=3)
    taken = [row for plan in before for row in list(plan.visits(0))[:12:2]]
    _, position = alone.resume(before[0].state(0, 12))
    rest = list(alone.visits(0, position))[::2]
    assert sorted(taken + rest) == sorted(alone.draws(0).tolist())
    with pytest.raises(InputError, match="cannot share in whole blocks"):
        alone.resume(before[0].state(0, 5))


def test_a_state_of_another_order_is_refused_with_the_reason():
    plan = EpochPlan(weights([1.0, 2.0]))
    with pytest.raises(SnapshotMismatchError, match="draws from snapshot bbbbbbbbbbbbbbbb, these weights are of aaaa"):
        plan.resume(EpochPlan(weights([1.0, 2.0], "b" * 16)).state(0, 1))
    with pytest.raises(InputError, match="has seed 1, this one 42"):
        plan.resume(EpochPlan(weights([1.0, 2.0]), 1).state(0, 1))
    with pytest.raises(InputError, match="cannot go on with another data set"):
        plan.resume(EpochPlan(weights([1.0, 2.0], rows_hash="other")).state(0, 1))
    with pytest.raises(InputError, match="has num_draws 3, this one 2"):
        plan.resume(EpochPlan(weights([1.0, 2.0]), num_samples=3).state(0, 1))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"num_samples": 0}, "num_samples is 0"),
        ({"num_replicas": 0}, "must be at least 1"),
        ({"num_replicas": 2, "rank": 2}, "expected 0 to 1"),
        ({"batch_size": 0}, "must be at least 1"),
    ],
)
def test_counts_that_do_not_fit_are_refused(options, reason):
    with pytest.raises(InputError, match=reason):
        EpochPlan(weights([1.0]), **options)
