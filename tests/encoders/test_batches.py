from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kat_ray.encoders.batches import masked_mean, pad, plan_batches, stepped

_LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=60)


@given(_LENGTHS, st.integers(1, 100))
def test_every_row_is_in_one_batch_and_no_batch_of_several_exceeds_the_budget(lengths: list[int], budget: int) -> None:
    array = np.array(lengths, dtype=np.int32)
    batches = list(plan_batches(array, budget))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(rows) == 1 or len(rows) * stepped(array[rows].max()) <= budget for rows in batches)


@given(_LENGTHS)
def test_batches_go_by_length_then_by_row(lengths: list[int]) -> None:
    array = np.array(lengths, dtype=np.int32)
    order = np.concatenate(list(plan_batches(array, 50))).tolist()
    assert order == sorted(order, key=lambda row: (lengths[row], row))


def test_few_shapes_meet_the_device() -> None:
    lengths = np.random.default_rng(0).geometric(0.03, 50_000).clip(3, 256).astype(np.int32)
    blocks = np.split(lengths, 25)
    shapes = {
        (len(rows), stepped(block[rows].max())) for block in blocks for rows in plan_batches(block, token_budget=1024)
    }
    assert len(shapes) < 150


def test_padding_masks_by_length_also_where_a_text_holds_the_padding_id() -> None:
    padded, mask = pad(np.array([5, 0, 7, 8, 9], dtype=np.int32), np.array([2, 3], dtype=np.int32), pad_id=0, width=4)
    assert padded.tolist() == [[5, 0, 0, 0], [7, 8, 9, 0]]
    assert mask.sum(axis=1).tolist() == [2, 3]


def test_the_mean_takes_true_tokens_only() -> None:
    hidden = np.array([[[1, 2], [3, 4], [100, 100]]], dtype=np.float32)
    assert masked_mean(hidden, np.array([[True, True, False]])).tolist() == [[2, 3]]
