"""What encoders are evaluated on: a file of texts, or the pairs of rows in files of ready vectors.

Runs on workers, each of which reads for itself; knows which rows of vectors belong to the set, nothing of encoders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kat_ray.arrays import Float32Matrix, Int64Vector
from kat_ray.errors import InputError
from kat_ray.evaluation.reading import read_evaluation_set
from kat_ray.evaluation.relevance import EvaluationSet, Relevance
from kat_ray.evaluation.vectors import read_vector_pairs
from kat_ray.storage import Location

_Vectors = tuple[Float32Matrix, Float32Matrix]
"""Of queries [Nq, D] and documents [Nd, D]."""


@dataclass(frozen=True, slots=True, eq=False)
class TextSubject:
    """Texts of a file and who is relevant to whom."""

    data: str
    max_samples: int
    digest: str
    """Of the texts that count, as they were first read."""
    counts: tuple[int, int]
    """Different queries and documents of the whole file, or of what counts where no ready vectors are chosen from."""
    places: Int64Vector
    """Of each document that counts, its place among these [Nd]."""

    @classmethod
    def of(cls, data: str, max_samples: int, *, has_vectors: bool = True) -> tuple[TextSubject, EvaluationSet]:
        """What there is to evaluate on, and its texts; only ready vectors, which are of all texts, need the rest.

        Raises:
            InputError: as `read_evaluation_set`.
        """
        texts = read_evaluation_set(data, max_samples)
        whole = read_evaluation_set(data) if has_vectors and texts.num_unused else texts
        rows = {text: row for row, text in enumerate(whole.documents)}
        if not rows.keys() >= set(texts.documents):
            raise _changed(data)
        places = np.array([rows[text] for text in texts.documents], np.int64)
        return cls(data, max_samples, texts.digest(), (len(whole.queries), len(whole.documents)), places), texts

    def read(self) -> tuple[EvaluationSet, Relevance]:
        """The texts, and who is relevant to whom.

        Raises:
            InputError: it is not what was first read.
        """
        texts = read_evaluation_set(self.data, self.max_samples)
        if self.digest != texts.digest():
            raise _changed(self.data)
        return texts, texts.relevance

    def choose(self, name: str, vectors: _Vectors) -> _Vectors:
        """Rows of the set's queries and documents, from one for each different text of the whole file.

        Raises:
            InputError: there are more or fewer.
        """
        got, expected = tuple(map(len, vectors)), self.counts
        if got != expected:
            raise InputError(
                f"{name} holds vectors of {got[0]:,} queries and {got[1]:,} documents, expected {expected[0]:,} and "
                f"{expected[1]:,}: one for each different text of {Location(self.data)}, in order of appearance."
            )
        return vectors[0][: self.max_samples], vectors[1][self.places]


@dataclass(frozen=True, slots=True, eq=False)
class PairSubject:
    """Pairs of vectors without texts: document i is right for query i, and equal documents are one."""

    num_pairs: int
    """Rows of every file."""
    firsts: Int64Vector
    """Of each document that counts, the first one that it is equal to: mostly itself [Nq]."""
    num_apart: int = 0
    """Documents that are equal to earlier ones and count apart all the same."""

    @classmethod
    def of(cls, files: Sequence[tuple[str, str | None]], max_samples: int) -> PairSubject:
        """What the files have in common, of which one at a time is read.

        Documents are one where their rows are equal to the bit in all files, so that an encoder that gives many texts
        the same vector joins none of them for the others. None are joined where all documents are equal, or more than
        half of the pairs equal earlier ones: that tells of such encoders, not of equal texts.

        Raises:
            InputError: files that are not as long as each other, or hold other numbers of queries and documents.
        """
        num_pairs, firsts, pairs = 0, np.zeros(0, np.int64), np.zeros(0, np.int64)
        for number, (uri, documents_uri) in enumerate(files):
            queries, documents = read_vector_pairs(uri, documents_uri)
            _require_pairs(str(Location(uri)), (queries, documents), num_pairs if number else len(queries))
            if not number:
                num_pairs = len(queries)
                firsts = pairs = np.zeros(min(num_pairs, max_samples), np.int64)
            firsts, pairs = _refined(firsts, documents), _refined(_refined(pairs, documents), queries)
        if firsts.any() and 2 * _num_repeated(pairs) <= len(pairs):
            return cls(num_pairs, firsts)
        return cls(num_pairs, np.arange(len(firsts)), _num_repeated(firsts))

    @property
    def num_joined(self) -> int:
        """Documents that are equal to earlier ones and count as one with them."""
        return _num_repeated(self.firsts)

    def read(self) -> tuple[None, Relevance]:
        """No texts, and who is relevant to whom."""
        return None, Relevance.one_each(np.unique(self.firsts, return_inverse=True)[1])

    def choose(self, name: str, vectors: _Vectors) -> _Vectors:
        """Rows of the queries and of the different documents.

        Raises:
            InputError: there are more or fewer than when the files were first read.
        """
        _require_pairs(name, vectors, self.num_pairs)
        return vectors[0][: len(self.firsts)], vectors[1][np.unique(self.firsts)]


Subject = TextSubject | PairSubject


def _changed(data: str) -> InputError:
    return InputError(
        f"{Location(data)} changed while encoders were evaluated on it, expected the same for all of them; run the "
        "same command again."
    )


def _refined(firsts: Int64Vector, vectors: Float32Matrix) -> Int64Vector:
    """Groups of equal rows, each parted where these vectors differ; a group is called by its first row."""
    seen: dict[tuple[int, bytes], int] = {}
    rows = zip(firsts.tolist(), vectors[: len(firsts)], strict=True)
    keys = ((first, hashlib.blake2b(row, digest_size=16).digest()) for first, row in rows)
    return np.array([seen.setdefault(key, row) for row, key in enumerate(keys)], np.int64)


def _num_repeated(firsts: Int64Vector) -> int:
    return len(firsts) - len(np.unique(firsts))


def _require_pairs(name: str, vectors: _Vectors, num_pairs: int) -> None:
    num_queries, num_documents = map(len, vectors)
    if num_queries != num_documents:
        raise InputError(
            f"{name} holds vectors of {num_queries:,} queries and {num_documents:,} documents, expected as many of "
            "both: without --data document i is the one that is right for query i."
        )
    if num_queries != num_pairs:
        raise InputError(
            f"{name} holds {num_queries:,} pairs of vectors, expected {num_pairs:,} as in the first file: what is "
            "compared has to be of the same texts."
        )
