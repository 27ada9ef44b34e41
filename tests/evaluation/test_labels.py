"""Texts of strangers become one line that is no longer than asked for; rows without texts count from 1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kat_ray.evaluation.labels import Labels, one_line
from kat_ray.evaluation.relevance import EvaluationSet, Relevance


@given(st.text(max_size=60), st.integers(2, 20))
def test_one_line_is_short_and_holds_no_control_characters(text, limit):
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert not any(ord(letter) < 32 for letter in line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("  two\n\n\twords\x00\x1b ", "two words"),
        ("0123456789", "0123456789"),
        ("0123456789a", "012345678…"),
        ("\u202egnp\u2066.exe\u2069\u202c", "gnp.exe"),
        ("word     " * 30, "word word…"),
    ],
)
def test_white_space_is_joined_and_what_is_cut_ends_with_an_ellipsis(text, line):
    assert one_line(text, 10) == line


def test_a_text_of_any_length_costs_no_more_than_what_is_shown():
    assert one_line("x" * 10 + "\n" * 10_000_000, 10) == "xxxxxxxxx…"


def test_rows_have_their_texts_or_numbers_from_one():
    texts = EvaluationSet(("q0", "q1"), ("d0", "d1"), Relevance.diagonal(2))
    assert [Labels.of(texts).query(1), Labels.of(texts).document(0)] == ["q1", "d0"]
    assert [Labels.of(None).query(1), Labels.of(None).document(0)] == ["query 2", "document 1"]
