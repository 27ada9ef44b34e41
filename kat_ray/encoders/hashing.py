"""Vectors without a model: words, their first letters and neighboring words, hashed with signs into 384 dimensions.

For tests and for machines without weights: texts that share words are near, equal texts are equal, nothing is learned.
A token is a word (a run of letters and digits, or one other sign, or one ideograph); its id packs two hashes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Int32Vector
from kat_ray.encoders.encoder import EncoderConfig, EncoderIdentity, Tokens
from kat_ray.errors import EncoderError

_DIMENSION = 384
_TOKEN_LIMIT = 256
_REVISION = "hashing-1"
_COORDINATES = 8
_STEM_BITS = 15
_STEM_LETTERS = 4
_EMPTY_TOKEN = 0
_WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|[^\s]")


class HashingEncoder:
    """Signed feature hashing (Weinberger et al. 2009): each feature adds +1 or -1 at 8 of 384 coordinates."""

    def __init__(self, config: EncoderConfig) -> None:
        fits = config.precision in ("auto", "float32") and config.pooling in ("auto", "mean") and config.device != "gpu"
        if not fits:
            raise EncoderError(
                f"hashing runs on the CPU in float32 with mean pooling; got device {config.device}, "
                f"precision {config.precision}, pooling {config.pooling}. Leave these options out."
            )
        self.epoch = None
        self.identity = EncoderIdentity(
            name="hashing",
            revision=_REVISION,
            dimension=_DIMENSION,
            token_limit=config.token_limit or _TOKEN_LIMIT,
            pooling="mean",
            precision="float32",
        )

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Word tokens, case folded; a text without a word is one token of its own."""
        rows = [_words(text, self.identity.token_limit) for text in texts]
        ids = [identifier for row, _ in rows for identifier in row]
        return Tokens(
            ids=np.array(ids, dtype=np.int32),
            lengths=np.array([len(row) for row, _ in rows], dtype=np.int32),
            full_lengths=np.array([full for _, full in rows], dtype=np.int32),
        )

    def encode(self, tokens: Tokens) -> Float32Matrix:
        """Unit rows [B, 384]; exact sums, so a row never depends on the others."""
        num_rows = len(tokens.lengths)
        rows = np.repeat(np.arange(num_rows), tokens.lengths)
        features, owners = _features(tokens.ids, rows)
        sums = np.zeros(num_rows * _DIMENSION)
        for coordinate in range(_COORDINATES):
            hashed = _mix(features + np.uint64(coordinate << 56))
            signs = np.where(hashed >> np.uint64(63), 1.0, -1.0)
            cells = owners * _DIMENSION + (hashed % np.uint64(_DIMENSION)).astype(np.int64)
            sums += np.bincount(cells, weights=signs, minlength=sums.size)
        return _unit_rows(sums.reshape(num_rows, _DIMENSION), tokens)


def _words(text: str, limit: int) -> tuple[list[int], int]:
    matches = _WORD.finditer(text.casefold())
    kept = [_word_id(match.group()) for _, match in zip(range(limit), matches, strict=False)]
    return kept or [_EMPTY_TOKEN], max(1, len(kept) + sum(1 for _ in matches))


@lru_cache(maxsize=1 << 16)
def _word_id(word: str) -> int:
    """16 bits of the word's hash above 15 bits of its first letters' hash, so that "run" and "runs" share a feature."""
    whole = zlib.crc32(word.encode("utf-8", "surrogatepass"))
    stem = zlib.crc32(word[:_STEM_LETTERS].encode("utf-8", "surrogatepass"))
    return (whole >> 16) << _STEM_BITS | stem >> (32 - _STEM_BITS)


def _features(ids: Int32Vector, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Features of all texts and the row that each belongs to: words, first letters, pairs of neighboring words."""
    words = ids.astype(np.uint64)
    stems = words & np.uint64((1 << _STEM_BITS) - 1)
    together = rows[1:] == rows[:-1]
    pairs = _mix(words[:-1][together]) ^ words[1:][together]
    features = np.concatenate([words, stems | np.uint64(1 << 40), (pairs >> np.uint64(16)) | np.uint64(1 << 50)])
    return features, np.concatenate([rows, rows, rows[:-1][together]])


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64 (Steele et al. 2014); wraps modulo 2^64."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _unit_rows(sums: NDArray[np.float64], tokens: Tokens) -> Float32Matrix:
    """Signs may cancel to nothing in a short text: such a row points along one axis chosen by its first token."""
    empty = np.flatnonzero(~sums.any(axis=1))
    first_tokens = tokens.ids[np.cumsum(tokens.lengths)[empty] - tokens.lengths[empty]]
    sums[empty, first_tokens % _DIMENSION] = 1.0
    sums /= np.linalg.norm(sums, axis=1, keepdims=True)
    return sums.astype(np.float32)
