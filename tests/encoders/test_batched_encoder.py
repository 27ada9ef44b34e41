from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kat_ray.encoders.batched_encoder import BatchedEncoder
from kat_ray.encoders.encoder import EncoderIdentity, Tokens
from kat_ray.errors import EncoderError

_IDENTITY = EncoderIdentity("broken-model", "0" * 32, 2, 8, "mean", "float16")


class _FixedEngine:
    token_budget = 4

    def __init__(self, *rows: tuple[float, float]) -> None:
        self._rows = np.array(rows, dtype=np.float32)

    def pool(self, ids: Any, lengths: Any) -> Any:
        return self._rows[ids]


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
