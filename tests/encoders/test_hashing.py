from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.errors import EncoderError

_ENCODER = load_encoder(EncoderConfig("hashing"))


def _vectors(*texts: str) -> np.ndarray:
    return _ENCODER.encode(_ENCODER.tokenize(texts))


@settings(deadline=None)
@given(st.lists(st.text(), max_size=8))
def test_every_text_becomes_a_unit_row(texts: list[str]) -> None:
    vectors = _vectors(*texts)
    assert vectors.shape == (len(texts), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_a_row_does_not_depend_on_the_others(texts: list[str]) -> None:
    together = _vectors(*texts)
    alone = np.concatenate([_vectors(text) for text in texts])
    np.testing.assert_array_equal(together, alone)


def test_the_bytes_stay_the_same_for_ever() -> None:
    digest = hashlib.sha256(_vectors("What is AI?", "日本語", "", "a b a").tobytes()).hexdigest()
    assert digest == "88bb8f4b574d70a3baf432bcab77a074f0c540fc645762ce2d52fad679ac2bab"


def test_shared_words_are_near_and_other_words_are_not() -> None:
    first, near, stem, far = _vectors(
        "how do I bake sourdough bread", "how do I bake rye bread", "baking sourdough breads", "integrals of sine"
    )
    assert first @ near > 0.6
    assert first @ near > first @ stem > 0.15 > abs(first @ far)


def test_case_and_spacing_make_no_difference() -> None:
    first, second = _vectors("What  is\nAI?", " what is ai? ")
    np.testing.assert_array_equal(first, second)


def test_words_beyond_the_limit_are_counted_and_change_nothing() -> None:
    encoder = load_encoder(EncoderConfig("hashing", token_limit=3))
    tokens = encoder.tokenize(["one two three four five", "one two three", "", "漢字かな"])
    assert tokens.lengths.tolist() == [3, 3, 1, 3]
    assert tokens.full_lengths.tolist() == [5, 3, 1, 4]
    first, second, *_ = encoder.encode(tokens)
    np.testing.assert_array_equal(first, second)


def test_canceled_signs_still_give_a_direction() -> None:
    from kat_ray.encoders.hashing import _unit_rows

    tokens = _ENCODER.tokenize(["b", "a"])
    rows = _unit_rows(np.zeros((2, 384)), tokens)
    np.testing.assert_array_equal(np.linalg.norm(rows, axis=1), [1, 1])
    assert rows[0].argmax() != rows[1].argmax()


@pytest.mark.parametrize("options", [{"device": "gpu"}, {"precision": "bfloat16"}, {"pooling": "cls"}])
def test_options_that_mean_nothing_here_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(EncoderError, match="Leave these options out"):
        load_encoder(EncoderConfig("hashing", **options))
