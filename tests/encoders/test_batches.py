from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kat_ray.encoders.batches import BatchedEncoder, masked_mean, pad, plan_batches
from kat_ray.encoders.encoder import EncoderIdentity, Tokens
from kat_ray.errors import EncoderError

_IDENTITY = EncoderIdentity("broken-model", "0" * 32, 2, 8, "mean", "float16")
_LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=60)


class _FixedEngine:
    token_budget = 4

    def __init__(self, *rows: tuple[float, float]) -> None:
        self._rows = np.array(rows, dtype=np.float32)

    def pool(self, ids: Any, lengths: Any) -> Any:
        return self._rows[ids]


@given(_LENGTHS, st.integers(1, 100))
def test_every_row_is_in_one_batch_and_no_batch_of_several_exceeds_the_budget(lengths: list[int], budget: int) -> None:
    array = np.array(lengths, dtype=np.int32)
    batches = list(plan_batches(array, budget))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(rows) == 1 or len(rows) * array[rows].max() <= budget for rows in batches)


@given(_LENGTHS)
def test_batches_go_by_length_then_by_row(lengths: list[int]) -> None:
    array = np.array(lengths, dtype=np.int32)
    order = np.concatenate(list(plan_batches(array, 50))).tolist()
    assert order == sorted(order, key=lambda row: (lengths[row], row))


def test_padding_masks_by_length_also_where_a_text_holds_the_padding_id() -> None:
    padded, mask = pad(np.array([5, 0, 7, 8, 9], dtype=np.int32), np.array([2, 3], dtype=np.int32), pad_id=0)
    assert padded.tolist() == [[5, 0, 0], [7, 8, 9]]
    assert mask.tolist() == [[True, True, False], [True, True, True]]


def test_the_mean_takes_true_tokens_only() -> None:
    hidden = np.array([[[1, 2], [3, 4], [100, 100]]], dtype=np.float32)
    assert masked_mean(hidden, np.array([[True, True, False]])).tolist() == [[2, 3]]


def test_rows_come_back_in_input_order_and_of_unit_length() -> None:
    encoder = BatchedEncoder(_IDENTITY, None, _FixedEngine((3, 4), (0, 2), (1, 0)))  # type: ignore[arg-type]
    ids = np.array([2, 0, 1], dtype=np.int32)
    vectors = encoder.encode(Tokens(ids, np.ones(3, np.int32), np.ones(3, np.int32)))
    np.testing.assert_allclose(vectors, [[1, 0], [0.6, 0.8], [0, 1]], atol=1e-7)


@pytest.mark.parametrize("bad", [(np.nan, 0.0), (np.inf, 0.0), (0.0, 0.0)])
def test_a_vector_without_a_direction_is_an_error_that_names_model_and_text(bad: tuple[float, float]) -> None:
    encoder = BatchedEncoder(_IDENTITY, None, _FixedEngine((1, 0), bad))  # type: ignore[arg-type]
    tokens = Tokens(np.array([0, 0, 1], dtype=np.int32), np.ones(3, np.int32), np.ones(3, np.int32))
    with pytest.raises(EncoderError, match=r"broken-model gives .* for text 2 .* float32"):
        encoder.encode(tokens)
