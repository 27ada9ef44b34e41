"""Links rows by their keys: which rows repeat an earlier one, which prompt each belongs to, what each prompt counts.

Pure arrays, 40 bytes a row; knows nothing of texts or files. R rows that were read as pairs, in input order; P prompts
in order of first appearance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Int32Vector, Int64Vector
from kat_ray.errors import InputError


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """Accepted rows of each prompt by source: those of prompt p are [offsets[p], offsets[p + 1]), first seen first."""

    offsets: Int64Vector
    codes: Int32Vector
    counts: Int32Vector


@dataclass(frozen=True, slots=True)
class Links:
    """What the keys of R rows say. Rows from `num_rows` on were cut off by the limit on prompts.

    is_pair [R]: accepted; False for a duplicate. is_prompt [R]: the first row of its prompt.
    prompt_rows [R]: row of its prompt in [0, P), -1 when cut off. num_pairs [P], num_complete_pairs [P]: accepted rows.
    """

    num_rows: int
    is_pair: NDArray[np.bool_]
    is_prompt: NDArray[np.bool_]
    prompt_rows: Int64Vector
    num_pairs: Int32Vector
    num_complete_pairs: Int32Vector
    sources: SourceCounts


def link(
    prompt_keys: NDArray[np.uint64],
    pair_keys: NDArray[np.uint64],
    sources: Int32Vector,
    complete: NDArray[np.bool_],
    max_prompts: int | None = None,
) -> Links:
    """Link R rows; O(R log R).

    Args:
        prompt_keys: [R], equal for rows of one prompt.
        pair_keys: [R, 2], 128 bits, equal for rows with equal prefix and replies.
        sources: [R] codes of sources.
        complete: [R], whether both replies are there.
        max_prompts: at least 1; rows from the one on that would bring one prompt more are cut off. None for no limit.

    Raises:
        InputError: when the arrays differ in length or the limit is below 1.
    """
    num_given = len(prompt_keys)
    if pair_keys.shape != (num_given, 2) or len(sources) != num_given or len(complete) != num_given:
        raise InputError(f"Keys of {num_given:,} rows do not match pair keys of shape {pair_keys.shape}.")
    if max_prompts is not None and max_prompts < 1:
        raise InputError(f"The limit on prompts is {max_prompts}, expected at least 1.")
    prompt_rows, first_rows = _prompt_rows(prompt_keys)
    num_rows = num_given
    if max_prompts is not None and len(first_rows) > max_prompts:
        num_rows = int(first_rows[max_prompts])
        first_rows = first_rows[:max_prompts]
        prompt_rows[num_rows:] = -1
    is_pair = _first_of_equal(pair_keys)
    is_pair[num_rows:] = False
    is_prompt = np.zeros(num_given, dtype=bool)
    is_prompt[first_rows] = True
    accepted = prompt_rows[is_pair]
    num_prompts = len(first_rows)
    return Links(
        num_rows=num_rows,
        is_pair=is_pair,
        is_prompt=is_prompt,
        prompt_rows=prompt_rows,
        num_pairs=_count(accepted, num_prompts),
        num_complete_pairs=_count(prompt_rows[is_pair & complete], num_prompts),
        sources=_source_counts(accepted, sources[is_pair], num_prompts),
    )


def _prompt_rows(keys: NDArray[np.uint64]) -> tuple[Int64Vector, Int64Vector]:
    """Prompt of each row [R] and first row of each prompt [P], prompts in order of first appearance."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(first), dtype=np.int64)
    rank[order] = np.arange(len(first))
    return rank[inverse], first[order].astype(np.int64)


def _first_of_equal(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """True for the first row of each run of equal keys; the sort is stable, so the first is the earliest."""
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    starts = np.ones(len(keys), dtype=bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    is_first = np.zeros(len(keys), dtype=bool)
    is_first[order[starts]] = True
    return is_first


def _source_counts(prompt_rows: Int64Vector, sources: Int32Vector, num_prompts: int) -> SourceCounts:
    width = int(sources.max()) + 1 if len(sources) else 1
    groups, first, counts = np.unique(prompt_rows * width + sources, return_index=True, return_counts=True)
    order = np.lexsort((first, groups // width))
    offsets = np.zeros(num_prompts + 1, dtype=np.int64)
    np.cumsum(np.bincount(groups // width, minlength=num_prompts), out=offsets[1:])
    return SourceCounts(offsets, (groups % width)[order].astype(np.int32), counts[order].astype(np.int32))


def _count(rows: Int64Vector, num_prompts: int) -> Int32Vector:
    return np.bincount(rows, minlength=num_prompts).astype(np.int32)
