from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kat_ray.snapshot.terminal import WIDTH, bar, field, plain


@given(text=st.text(), width=st.integers(2, 80))
def test_any_text_becomes_one_printable_line_that_fits(text, width):
    line = plain(text, width)
    columns = sum(
        2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in line if not unicodedata.combining(mark)
    )
    assert line.isprintable()
    assert columns <= width


def test_escape_sequences_and_reordering_marks_do_not_reach_the_terminal():
    assert plain("a\x1b[31mb\u202ec\nd", 40) == "a [31mb c d"


def test_a_cut_text_ends_with_an_ellipsis_and_a_fitting_one_does_not():
    assert plain("abcdef", 4) == "abc…"
    assert plain("abcd", 4) == "abcd"
    assert plain("倫理とは", 5) == "倫理…"


def test_fields_are_wrapped_beside_their_name():
    lines = field("sources", ", ".join(f"source-{number}" for number in range(20)))
    assert len(lines) > 1
    assert all(len(line) <= WIDTH for line in lines)
    assert [line[:14].strip() for line in lines] == ["sources"] + [""] * (len(lines) - 1)


def test_a_bar_is_as_long_as_its_share():
    assert [len(bar(share, 10)) for share in (-1, 0, 0.5, 1, 2)] == [0, 0, 5, 10, 10]
