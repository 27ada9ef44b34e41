from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kat_ray.encoders import tokenizer as module
from kat_ray.encoders.model_files import MINILM, find_model
from kat_ray.encoders.tokenizer import TextTokenizer, TokenizerConfig
from kat_ray.errors import EncoderError

_LONG = "Voilà: the dog's 3 cats, «chez» Zoë, 東京 and\nlines  with   gaps; don't stop... " * 40


@pytest.fixture(params=["word pieces", "bytes"])
def tokenizer_file(request: pytest.FixtureRequest, byte_tokenizer: Path) -> Path:
    return byte_tokenizer if request.param == "bytes" else find_model(MINILM).tokenizer


def _tokenize(path: Path, texts: list[str], limit: int = 16, **options: object) -> module.Tokens:
    return TextTokenizer(path, TokenizerConfig(limit, empty_id=0, **options), threads=1)(texts)


def test_a_text_in_pieces_gives_the_tokens_of_the_whole(tokenizer_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [_LONG, _LONG.replace(" ", ""), "a b " * 200, " " * 500 + "x y", "short", "...?! " * 99, "漢字かな" * 99]
    for limit in (4, 16, 100_000):
        monkeypatch.setattr(module, "_PIECE_CHARACTERS", 1 << 16)
        whole = _tokenize(tokenizer_file, texts, limit)
        monkeypatch.setattr(module, "_PIECE_CHARACTERS", 50)
        pieces = _tokenize(tokenizer_file, texts, limit)
        np.testing.assert_array_equal(pieces.ids, whole.ids)
        np.testing.assert_array_equal(pieces.lengths, whole.lengths)
        np.testing.assert_array_equal(pieces.full_lengths, whole.full_lengths)


@settings(deadline=None)
@given(st.text(st.sampled_from("ab É.,'[]<|>-\n\t\u0301\u200b漢か 1"), max_size=60), st.integers(1, 9))
def test_no_cut_changes_a_token(byte_tokenizer: Path, text: str, piece: int) -> None:
    for path in (byte_tokenizer, find_model(MINILM).tokenizer):
        tokenize = _kept(path)
        whole = tokenize([text])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_PIECE_CHARACTERS", piece)
            np.testing.assert_array_equal(tokenize([text]).ids, whole.ids)


@cache
def _kept(path: Path) -> TextTokenizer:
    return TextTokenizer(path, TokenizerConfig(1000, empty_id=0), threads=1)


def test_what_is_cut_away_is_counted(tokenizer_file: Path) -> None:
    uncut = _tokenize(tokenizer_file, [_LONG, "a"], limit=1_000_000)
    cut = _tokenize(tokenizer_file, [_LONG, "a"], limit=9)
    np.testing.assert_array_equal(uncut.lengths, uncut.full_lengths)
    np.testing.assert_array_equal(cut.full_lengths, uncut.full_lengths)
    np.testing.assert_array_equal(cut.lengths, np.minimum(9, uncut.lengths))


def test_special_tokens_close_a_cut_text() -> None:
    tokens = _tokenize(find_model(MINILM).tokenizer, [_LONG], limit=5)
    assert (tokens.ids[0], tokens.ids[-1]) == (101, 102)


def test_grouping_texts_changes_nothing(tokenizer_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["one", _LONG, "", "two words", _LONG, "three"]
    together = _tokenize(tokenizer_file, texts)
    monkeypatch.setattr(module, "_GROUP_CHARACTERS", 10)
    np.testing.assert_array_equal(_tokenize(tokenizer_file, texts).ids, together.ids)


def test_names_of_special_tokens_stay_text_where_asked(byte_tokenizer: Path) -> None:
    as_token = _tokenize(byte_tokenizer, ["<|user_start|>"])
    as_text = _tokenize(byte_tokenizer, ["<|user_start|>"], specials_in_text=False)
    assert as_token.ids.tolist() == [1]
    assert len(as_text.ids) > 1
    assert 1 not in as_text.ids


def test_a_text_without_tokens_gets_the_token_that_stands_for_it(byte_tokenizer: Path) -> None:
    tokens = _tokenize(byte_tokenizer, ["", "x"])
    assert tokens.lengths.tolist() == [1, 1]
    assert tokens.ids[0] == 0
    with pytest.raises(EncoderError, match="no token"):
        TextTokenizer(byte_tokenizer, TokenizerConfig(4), threads=1)([""])


def test_lower_case_is_applied_where_asked(byte_tokenizer: Path) -> None:
    lowered = _tokenize(byte_tokenizer, ["ABC"], lower_case=True)
    np.testing.assert_array_equal(lowered.ids, _tokenize(byte_tokenizer, ["abc"]).ids)


def test_a_limit_without_room_for_text_is_refused() -> None:
    with pytest.raises(EncoderError, match="expected at least 3"):
        _tokenize(find_model(MINILM).tokenizer, ["x"], limit=2)


def test_a_damaged_tokenizer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text('{"version": "1.0"')
    with pytest.raises(EncoderError, match="Cannot read"):
        _tokenize(path, ["x"])
