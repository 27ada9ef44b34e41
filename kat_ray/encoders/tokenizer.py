"""Texts to token ids with the Rust tokenizers; memory stays bounded whatever the texts, and every cut is counted.

A very long text goes through in pieces, cut where the tokenizer splits anyway, so that its tokens and count are exact.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from kat_ray.encoders.encoder import Tokens
from kat_ray.errors import EncoderError

_PIECE_CHARACTERS = 1 << 16
_GROUP_CHARACTERS = 1 << 21
_SINGLE_SPACE = r"(?<=\S) (?=\S)"
_CUTS = {
    "BertPreTokenizer": re.compile(_SINGLE_SPACE + r"|(?=[.,;:!?'\"()*+=/#$%&@^~-]|[\u4e00-\u9fff])"),
    "ByteLevel": re.compile(_SINGLE_SPACE),
}


@dataclass(frozen=True, slots=True)
class TokenizerConfig:
    """How a model wants its texts."""

    limit: int
    """Tokens kept, special ones included."""
    lower_case: bool = False
    """Lower-case before tokenizing, as some sentence models ask."""
    specials_in_text: bool = True
    """Whether the name of a special token inside a text becomes that token, or stays ordinary text."""
    empty_id: int | None = None
    """The one token that stands for a text without any; None refuses such a text."""


class TextTokenizer:
    """A tokenizer.json with a limit."""

    def __init__(self, path: Path, config: TokenizerConfig, threads: int) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true" if threads > 1 else "false")
        os.environ.setdefault("RAYON_NUM_THREADS", str(threads))
        self._config = config
        self._tokenizer, self._counting = _read(path), _read(path)
        for tokenizer in (self._tokenizer, self._counting):
            tokenizer.encode_special_tokens = not config.specials_in_text
        self._num_specials = self._tokenizer.num_special_tokens_to_add(False)
        self._cuts = _cuts(self._tokenizer)
        if config.limit <= self._num_specials:
            raise EncoderError(
                f"token_limit is {config.limit}, but this tokenizer adds {self._num_specials} tokens of its own; "
                f"expected at least {self._num_specials + 1}."
            )
        self._tokenizer.enable_truncation(config.limit)

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Token ids of all texts, cut at the limit."""
        rows = [row for group in _groups(texts) for row in self._group(group)]
        lengths = np.fromiter((len(ids) for ids, _ in rows), np.int32, len(rows))
        ids = np.fromiter(chain.from_iterable(ids for ids, _ in rows), np.int32, int(lengths.sum()))
        return Tokens(ids, lengths, np.fromiter((full for _, full in rows), np.int32, len(rows)))

    def _group(self, texts: Sequence[str]) -> Iterator[tuple[list[int], int]]:
        if self._config.lower_case:
            texts = [text.lower() for text in texts]
        in_pieces = [self._cuts is not None and len(text) > _PIECE_CHARACTERS for text in texts]
        whole = [text for text, cut in zip(texts, in_pieces, strict=True) if not cut]
        encodings = iter(self._tokenizer.encode_batch(whole))
        for text, cut in zip(texts, in_pieces, strict=True):
            yield self._in_pieces(text) if cut else self._row(next(encodings))

    def _row(self, encoding: Any) -> tuple[list[int], int]:
        cut_away = sum(len(part) - self._num_specials for part in encoding.overflowing)
        return self._not_empty(encoding.ids), max(1, len(encoding) + cut_away)

    def _in_pieces(self, text: str) -> tuple[list[int], int]:
        """As the whole text at once gives: pieces are kept until they fill the limit, the others only counted."""
        kept, num_tokens = Encoding(), self._num_specials
        for piece in _pieces(text, self._cuts):
            encoding = self._counting.encode(piece, add_special_tokens=False)
            num_tokens += len(encoding)
            if len(kept) < self._config.limit:
                kept = Encoding.merge([kept, encoding])
        return self._not_empty(self._tokenizer.post_process(kept).ids), max(1, num_tokens)

    def _not_empty(self, ids: list[int]) -> list[int]:
        if ids:
            return ids
        if self._config.empty_id is None:
            raise EncoderError("A text gives no token, and this tokenizer names none to stand for it; remove the text.")
        return [self._config.empty_id]


def _read(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise EncoderError(f"Cannot read {path}: {error}. Get the model again.") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _cuts(tokenizer: Tokenizer) -> re.Pattern[str] | None:
    """Places before which a text can be cut without changing a token; None where the tokenizer is of another kind.

    Words are split at spaces by both kinds, and a lone space goes with what follows; BERT's also isolates punctuation
    and ideographs.
    """
    step = json.loads(tokenizer.to_str())["pre_tokenizer"] or {}
    kinds = [part["type"] for part in step.get("pretokenizers", [step]) if part]
    return next((_CUTS[kind] for kind in kinds if kind in _CUTS), None)


def _pieces(text: str, cuts: re.Pattern[str] | None) -> Iterator[str]:
    start = 0
    while cuts is not None and len(text) - start > _PIECE_CHARACTERS:
        cut = cuts.search(text, start + _PIECE_CHARACTERS)
        if cut is None:
            break
        yield text[start : cut.start()]
        start = cut.start()
    yield text[start:]


def _groups(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Runs of texts that the tokenizer holds at a time; its results take a hundred times the memory of their ids."""
    start, characters = 0, 0
    for row, text in enumerate(texts):
        if characters and characters + len(text) > _GROUP_CHARACTERS:
            yield texts[start:row]
            start, characters = row, 0
        characters += len(text)
    yield texts[start:]
