"""An encoder's speed counts only while its vectors say the same."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.encoding import Encoded, encode_in_processes
from benchmark.parts.embedding import judge_embedding
from benchmark.sizes import Sizes
from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import load_encoder

SIZES = Sizes(compared=300)


def _encoded(noise: float, seconds: float, precision: str = "float32") -> Encoded:
    """Rows in groups, turned by some noise."""
    random = np.random.default_rng(1)
    rows = np.repeat(random.standard_normal((20, 32)), 15, axis=0) + 0.4 * random.standard_normal((300, 32))
    rows += noise * np.random.default_rng(2).standard_normal(rows.shape)
    return Encoded((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), seconds, precision)


@pytest.mark.parametrize("part", ["embed", "int8"])
def test_equal_vectors_in_a_tenth_of_the_time_hold_every_bar(part):
    found = judge_embedding(_encoded(0.0, 1.0, part), _encoded(0.0, 10.0), SIZES, part)
    bars = [one.passed for one in found.told() if one.passed is not None]
    assert len(bars) == 3
    assert all(bars)
    assert found.numbers == {"per_second": 300.0, "their_per_second": 30.0}


@pytest.mark.parametrize("part", ["embed", "int8"])
def test_other_neighbors_refuse_the_speed(part):
    found = judge_embedding(_encoded(1.0, 1.0, part), _encoded(0.0, 10.0), SIZES, part)
    speed = found.told()[0]
    assert speed.ratio == pytest.approx(10.0)
    assert speed.passed is False
    assert "neighbor overlap@15" in speed.note


def test_int8_that_is_not_int8_is_refused():
    found = judge_embedding(_encoded(0.0, 1.0, "bfloat16"), _encoded(0.0, 10.0), SIZES, "int8")
    assert not [one.name for one in found.told() if one.passed]
    assert found.doubts == ["The encoder ran in bfloat16, not in int8."]


def test_processes_give_the_rows_of_one_encoder_in_order():
    texts, config = [f"Prompt number {number} of some." for number in range(2_100)], EncoderConfig("hashing", "cpu")
    ours = encode_in_processes(config, texts)
    encoder = load_encoder(config)
    np.testing.assert_array_equal(ours.vectors, encoder.encode(encoder.tokenize(texts)))
    assert ours.per_second == pytest.approx(2_100 / ours.seconds)
