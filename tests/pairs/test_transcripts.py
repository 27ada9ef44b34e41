"""HH-RLHF transcripts become messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kat_ray.errors import RowError
from kat_ray.pairs.transcripts import parse_transcript

LINE = st.text(st.characters(categories=("L", "N")), min_size=1).map(lambda text: f"x{text}")


def test_roles_alternate_and_line_breaks_inside_a_turn_stay() -> None:
    text = "\n\nHuman: Tell me.\n\nAssistant: 1. One\n\n2. Two\n\nHuman: More\nplease\n\nAssistant: No."
    messages = parse_transcript(text)
    assert [message.role for message in messages] == ["user", "assistant", "user", "assistant"]
    assert [message.content for message in messages] == ["Tell me.", "1. One\n\n2. Two", "More\nplease", "No."]


@given(st.lists(LINE, min_size=1, max_size=9))
def test_every_conversation_survives_writing_and_parsing(contents: list[str]) -> None:
    names = ["Human", "Assistant"] * len(contents)
    text = "".join(f"\n\n{name}: {content}" for name, content in zip(names, contents, strict=False))
    assert [message.content for message in parse_transcript(text)] == contents


def test_a_marker_inside_a_line_opens_no_turn() -> None:
    messages = parse_transcript("\n\nHuman: I am Human: yes\n\nAssistant: I am Assistant: no")
    assert [message.content for message in messages] == ["I am Human: yes", "I am Assistant: no"]


def test_turns_of_one_speaker_in_a_row_are_one_message() -> None:
    messages = parse_transcript("\n\nHuman: Hi\n\nAssistant: One\n\nAssistant:\n\nAssistant: Two")
    assert [tuple(message) for message in messages] == [("user", "Hi"), ("assistant", "One\n\nTwo")]


def test_an_empty_turn_has_empty_content() -> None:
    assert parse_transcript("\n\nHuman: Hi\n\nAssistant:")[-1].content == ""


@pytest.mark.parametrize("text", ["", "\n\n", "Hello", "Preface\n\nHuman: Hi"])
def test_text_that_does_not_begin_with_a_turn_is_no_transcript(text: str) -> None:
    with pytest.raises(RowError, match="transcript"):
        parse_transcript(text)
