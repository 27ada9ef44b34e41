from __future__ import annotations

import numpy as np
import pytest

from serve.services.texts import PREVIEW_CHARS, Texts
from tests.serve.corpus import TEXTS


@pytest.fixture
def texts(snapshot) -> Texts:
    return Texts(snapshot)


def test_previews_are_beginnings_in_characters_not_bytes(texts):
    rows = np.array([57, 59, 56, 0])
    assert texts.previews(rows) == [TEXTS[row][:PREVIEW_CHARS] for row in rows]
    assert len(texts.previews(np.array([59]))[0]) == PREVIEW_CHARS


def test_sources_belong_to_their_rows(texts):
    assert texts.sources(np.array([2, 0, 1])) == ["own-data", "hh-rlhf", "ultrafeedback-binarized"]


@pytest.mark.parametrize("words", ["bread", "BREAD number", "ética", "ÉTICA", "倫理", "<img src=x", "nothing of it"])
def test_a_substring_is_found_in_upper_and_lower_case(texts, words):
    assert texts.rows_with(words).tolist() == [row for row, text in enumerate(TEXTS) if words.lower() in text.lower()]


@pytest.mark.parametrize("words", [".*", "b[a-z]ead", "(", "\\", "bread|soup", "^How", "%", "\\E"])
def test_signs_stand_for_themselves(texts, words):
    assert texts.rows_with(words).tolist() == [row for row, text in enumerate(TEXTS) if words in text]


def test_a_long_question_is_only_not_found(texts):
    assert texts.rows_with("é" * 1000).tolist() == []
