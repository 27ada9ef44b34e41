"""The identity of prompts and the text that encoders see."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kat_ray.records import (
    Message,
    Pair,
    conversation_id,
    first_user_text,
    normalize_whitespace,
    prompt_id,
    render_text,
)

TURNS = (Message("user", "What is AI?"), Message("assistant", "A field."), Message("user", "Since when?"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, ""), ("", ""), ("  a  b ", "a b"), ("a\n\tb\r\nc", "a b c"), ("a\u00a0\u3000\u2028b", "a b")],
)
def test_every_run_of_unicode_whitespace_becomes_one_space(text: str | None, expected: str) -> None:
    assert normalize_whitespace(text) == expected


@given(st.text())
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalize_whitespace(text)
    assert normalize_whitespace(once) == once


def test_the_first_user_message_is_found_wherever_it_stands() -> None:
    assert first_user_text(TURNS) == "What is AI?"
    assert first_user_text((Message("system", "Be brief."), *TURNS)) == "What is AI?"
    assert first_user_text((Message("assistant", "Hello."),)) == ""
    assert first_user_text(()) == ""


def test_whitespace_and_later_turns_do_not_change_the_id() -> None:
    expected = prompt_id("What is AI?")
    assert expected == "e099a3055f89480d"
    assert prompt_id("  What   is   AI?  ") == prompt_id(first_user_text(TURNS)) == expected


@pytest.mark.parametrize("blank", ["", " \n\t", "\u2003"])
def test_blank_text_has_no_id(blank: str) -> None:
    assert prompt_id(blank) is None


@given(st.text(min_size=1))
def test_an_id_is_sixteen_hex_digits_and_follows_the_normalized_text(text: str) -> None:
    found = prompt_id(text)
    assert found == prompt_id(normalize_whitespace(text))
    assert found is None or re.fullmatch("[0-9a-f]{16}", found)


def test_a_conversation_id_sees_every_turn_but_no_spacing() -> None:
    spaced = (Message("user", " What  is AI?"), *TURNS[1:])
    assert conversation_id(spaced) == conversation_id(TURNS)
    others = [TURNS[:1], TURNS[::-1], (Message("assistant", "What is AI?"), *TURNS[1:])]
    assert len({conversation_id(turns) for turns in [TURNS, *others]}) == 4


def test_the_rendering_of_a_conversation_is_one_line_a_message_with_content() -> None:
    assert render_text(TURNS[:2], "conversation") == "user: What is AI?\nassistant: A field."
    assert render_text((*TURNS[:1], Message("assistant", "")), "conversation") == "user: What is AI?"
    assert render_text((), "conversation") == ""


def test_the_rendering_of_the_first_user_message_keeps_its_line_breaks() -> None:
    assert render_text((Message("user", " a\n b "), *TURNS), "first_user") == " a\n b "


@pytest.mark.parametrize(
    ("chosen", "rejected", "complete"), [("a", "b", True), ("a", None, False), (None, None, False)]
)
def test_only_two_replies_make_a_complete_pair(chosen: str | None, rejected: str | None, complete: bool) -> None:
    assert Pair(TURNS, chosen, rejected, "own").is_complete is complete
