"""Linking agrees with a plain loop over the rows."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kat_ray.errors import InputError
from kat_ray.pairs.linking import Links, link

Row = tuple[int, int, int, bool]
ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=40)


def linked(rows: list[Row], max_prompts: int | None = None) -> Links:
    prompts = np.array([row[0] for row in rows], dtype=np.uint64) * np.uint64(2**61 - 1)
    replies = np.array([row[1] for row in rows], dtype=np.uint64)
    sources = np.array([row[2] for row in rows], dtype=np.int32)
    complete = np.array([row[3] for row in rows], dtype=bool)
    return link(prompts, np.stack([prompts, replies], axis=1), sources, complete, max_prompts)


def reference(rows: list[Row], max_prompts: int | None) -> dict[str, Any]:
    prompts: dict[int, int] = {}
    seen: set[tuple[int, int]] = set()
    pairs, complete, sources, prompt_rows, is_pair = Counter(), Counter(), {}, [], []
    for prompt, reply, source, is_complete in rows:
        if prompt not in prompts and len(prompts) == max_prompts:
            break
        row = prompts.setdefault(prompt, len(prompts))
        accepted = (prompt, reply) not in seen
        seen.add((prompt, reply))
        prompt_rows.append(row)
        is_pair.append(accepted)
        if accepted:
            pairs[row] += 1
            complete[row] += is_complete
            sources.setdefault(row, Counter())[source] += 1
    return {
        "num_rows": len(is_pair),
        "is_pair": is_pair,
        "prompt_rows": prompt_rows,
        "num_pairs": [pairs[row] for row in range(len(prompts))],
        "num_complete_pairs": [complete[row] for row in range(len(prompts))],
        "sources": [list(sources[row].items()) for row in range(len(prompts))],
    }


@given(ROWS, st.none() | st.integers(1, 6))
def test_links_are_those_of_a_plain_loop(rows: list[Row], max_prompts: int | None) -> None:
    links, expected = linked(rows, max_prompts), reference(rows, max_prompts)
    used = expected["num_rows"]
    assert links.num_rows == used
    assert links.is_pair.tolist() == expected["is_pair"] + [False] * (len(rows) - used)
    assert links.prompt_rows.tolist() == expected["prompt_rows"] + [-1] * (len(rows) - used)
    assert links.num_pairs.tolist() == expected["num_pairs"]
    assert links.num_complete_pairs.tolist() == expected["num_complete_pairs"]
    bounds = links.sources.offsets.tolist()
    counts = list(zip(links.sources.codes.tolist(), links.sources.counts.tolist(), strict=True))
    assert [counts[a:b] for a, b in itertools.pairwise(bounds)] == expected["sources"]


@given(ROWS)
def test_the_first_row_of_each_prompt_is_marked_and_always_a_pair(rows: list[Row]) -> None:
    links = linked(rows)
    first = links.prompt_rows[links.is_prompt]
    assert first.tolist() == list(range(len(links.num_pairs)))
    assert links.is_pair[links.is_prompt].all()


def test_pair_keys_that_share_one_half_are_different_rows() -> None:
    keys = np.array([[1, 2], [1, 3], [2, 2], [1, 2]], dtype=np.uint64)
    links = link(np.full(4, 7, dtype=np.uint64), keys, np.zeros(4, dtype=np.int32), np.ones(4, dtype=bool))
    assert links.is_pair.tolist() == [True, True, True, False]


def test_keys_of_other_length_and_a_limit_of_zero_are_refused() -> None:
    with pytest.raises(InputError, match="3 rows do not match"):
        link(np.zeros(3, np.uint64), np.zeros((2, 2), np.uint64), np.zeros(3, np.int32), np.zeros(3, bool))
    with pytest.raises(InputError, match="expected at least 1"):
        linked([], max_prompts=0)
