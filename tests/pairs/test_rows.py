"""Every supported form of a row gives the same pair, every other row a reason."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kat_ray.errors import RowError
from kat_ray.pairs.rows import parse_row
from kat_ray.records import Message, Pair

USER = {"role": "user", "content": "Hi there"}
REPLIES = [{"role": "assistant", "content": "Yes"}], [{"role": "assistant", "content": "No"}]
LONG = [USER, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Go on"}]
EXPECTED = Pair((Message("user", "Hi there"),), "Yes", "No", "own")

FORMS: dict[str, dict[str, Any]] = {
    "prefix": {"id": "1", "prefix": {"messages": [USER]}, "chosen": "Yes", "rejected": "No", "prefix_id": "x"},
    "prefix goes before prompt": {"prefix": {"messages": [USER]}, "prompt": "Other", "chosen": "Yes", "rejected": "No"},
    "null prefix": {"prefix": None, "prompt": "Hi there", "chosen": "Yes", "rejected": "No"},
    "prefix string": {"prefix": "Hi there", "chosen": "Yes", "rejected": "No"},
    "prompt string": {"prompt": "  Hi there\n", "chosen": "Yes", "rejected": "No"},
    "prompt messages": {"prompt": [USER], "chosen": "Yes", "rejected": "No"},
    "all messages": {"prompt": [USER], "chosen": REPLIES[0], "rejected": REPLIES[1]},
    "prompt string, reply messages": {"prompt": "Hi there", "chosen": REPLIES[0], "rejected": REPLIES[1]},
    "implicit prompt": {"chosen": [USER, *REPLIES[0]], "rejected": [USER, *REPLIES[1]]},
    "ultrafeedback": {
        "prompt": "Hi there", "prompt_id": "0", "messages": [USER, *REPLIES[0]], "score_chosen": 8.5,
        "chosen": [USER, *REPLIES[0]], "rejected": [USER, *REPLIES[1]],
    },
    "transcripts": {
        "chosen": "\n\nHuman: Hi there\n\nAssistant: Yes", "rejected": "\n\nHuman: Hi there\n\nAssistant: No",
    },
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_row_gives_the_same_pair(form: str) -> None:
    row = copy.deepcopy(FORMS[form])
    assert parse_row(row, "own") == EXPECTED
    assert row == FORMS[form], "the row was changed"


@pytest.mark.parametrize(
    ("row", "source"),
    [({"src": "a", "source": "b"}, "a"), ({"source": " b "}, "b"), ({"src": None}, "own"), ({"src": ""}, "own")],
)
def test_the_source_comes_from_the_row_or_else_from_the_caller(row: dict[str, Any], source: str) -> None:
    assert parse_row({"prompt": "Hi", **row}, "own").source == source


@pytest.mark.parametrize("missing", [None, "", " \n", []])
def test_a_row_that_names_its_prompt_needs_no_replies(missing: object) -> None:
    pair = parse_row({"prompt": "Hi there", "chosen": "Yes", "rejected": missing}, "own")
    assert (pair.chosen, pair.rejected) == ("Yes", None)
    assert parse_row({"prompt": "Hi there", "chosen": missing, "rejected": missing}, "own").chosen is None
    assert parse_row({"prompt": "Hi there"}, "own").rejected is None


def test_texts_of_messages_and_replies_stay_as_they_are() -> None:
    messages = [{"role": "user", "content": " a\r\n\tb "}]
    pair = parse_row({"prefix": {"messages": messages}, "chosen": " x\n", "rejected": "\u200b\x00"}, "own")
    assert pair == Pair((Message("user", " a\r\n\tb "),), " x\n", "\u200b\x00", "own")


def test_a_prompt_string_keeps_its_inner_line_breaks() -> None:
    assert parse_row({"prompt": "\n a\n\n  b "}, "own").messages == (Message("user", "a\n\n  b"),)


def test_a_leading_system_turn_and_repeated_roles_are_kept() -> None:
    turns = [{"role": "system", "content": "Be brief"}, *LONG[:2], LONG[1], LONG[2], LONG[2]]
    assert [message.role[0] for message in parse_row({"prompt": turns}, "own").messages] == list("suaauu")


def test_message_lists_that_begin_with_the_reply_continue_the_prompt() -> None:
    replies = {name: [LONG[1], LONG[2], *reply] for name, reply in zip(("chosen", "rejected"), REPLIES, strict=True)}
    pair = parse_row({"prompt": "Hi there", **replies}, "own")
    assert pair == parse_row({"prompt": LONG, "chosen": "Yes", "rejected": "No"}, "own")


def test_one_reply_may_hold_the_prefix_alone() -> None:
    assert parse_row({"chosen": [*LONG, *REPLIES[0]], "rejected": None}, "own").messages[-1].content == "Go on"
    assert parse_row({"chosen": "\n\nHuman: Hi\n\nAssistant: Yes"}, "own").rejected is None


BAD: dict[str, tuple[object, str]] = {
    "list": ([1], "the row is a list"),
    "null": (None, "the row is null"),
    "number": (3.5, "the row is a number"),
    "boolean": (True, "the row is a boolean"),
    "nothing": ({}, "no prefix, no prompt and no reply"),
    "unknown keys": ({"instruction": "Hi"}, "no prefix, no prompt and no reply"),
    "source": ({"prompt": "Hi", "src": 3}, "the source is a number"),
    "prompt number": ({"prompt": 3}, "prompt is a number"),
    "prompt binary": ({"prompt": b"Hi"}, "prompt is binary data"),
    "prompt object": ({"prompt": {"messages": []}}, "prompt is an object"),
    "prompt blank": ({"prompt": " \n"}, "the first user message is empty"),
    "no messages": ({"prefix": {"messages": []}}, "the prefix has no messages"),
    "prefix list": ({"prefix": []}, "prefix is a list"),
    "prefix empty": ({"prefix": {}}, "prefix.messages is null"),
    "message string": ({"prompt": ["Hi"]}, "holds a string"),
    "role": ({"prompt": [{"role": "tool", "content": "x"}]}, "a role other than"),
    "role type": ({"prompt": [{"role": ["user"], "content": "x"}]}, "a role other than"),
    "content": ({"prompt": [{"role": "user", "content": None}]}, "a content that is null"),
    "content parts": ({"prompt": [{"role": "user", "content": [{"type": "text"}]}]}, "a content that is a list"),
    "first empty": ({"prompt": [{"role": "user", "content": " "}, *LONG[1:]]}, "the first user message is empty"),
    "begins with assistant": ({"prompt": LONG[1:]}, "does not begin with a user turn"),
    "system only": ({"prompt": [{"role": "system", "content": "x"}]}, "does not begin with a user turn"),
    "late system": ({"prompt": [USER, {"role": "system", "content": "x"}, USER]}, "a system turn after"),
    "ends with assistant": ({"prompt": LONG[:2]}, "does not end with a user turn"),
    "chosen number": ({"prompt": "Hi", "chosen": 1}, "chosen is a number"),
    "rejected object": ({"prompt": "Hi", "rejected": {}}, "rejected is an object"),
    "reply ends with user": ({"prompt": "Hi", "chosen": LONG}, "chosen does not end with an assistant turn"),
    "two prefixes": ({"chosen": [*LONG, *REPLIES[0]], "rejected": [USER, *REPLIES[1]]}, "answer different prefixes"),
    "no transcript": ({"chosen": "Yes", "rejected": "No"}, "no Human:/Assistant: transcript"),
    "transcript and list": ({"chosen": "\n\nHuman: Hi\n\nAssistant: Yes", "rejected": []}, "expected a transcript"),
    "transcript without reply": ({"chosen": "\n\nHuman: Hi\n\nAssistant: "}, "ends with an empty reply"),
    "transcript ends with user": ({"chosen": "\n\nHuman: Hi"}, "does not end with an assistant turn"),
    "transcript begins with reply": ({"chosen": "\n\nAssistant: Hi"}, "the prefix has no messages"),
    "transcripts differ": (
        {"chosen": "\n\nHuman: Hi\n\nAssistant: Yes", "rejected": "\n\nHuman: Ho\n\nAssistant: No"},
        "answer different prefixes",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_every_other_row_gives_a_reason(name: str) -> None:
    row, reason = BAD[name]
    with pytest.raises(RowError, match=reason):
        parse_row(row, "own")


def test_a_reason_never_holds_text_of_the_row() -> None:
    secret = "SECRET"
    rows = [
        {"prompt": [{"role": secret, "content": secret}]},
        {"prompt": [secret]},
        {"chosen": secret},
        {"prompt": "Hi", "src": [secret]},
        {"prompt": "Hi", "chosen": {secret: secret}},
    ]
    for row in rows:
        with pytest.raises(RowError) as caught:
            parse_row(row, "own")
        assert secret not in str(caught.value)


def test_replies_to_another_conversation_than_the_prompt_are_refused() -> None:
    def answered(question: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": question}, {"role": "assistant", "content": "An answer."}]

    spaced = parse_row({"prompt": "What is AI?", "chosen": answered("What is  AI? ")}, "own")
    assert spaced.chosen == "An answer."
    with pytest.raises(RowError, match="chosen holds another conversation"):
        parse_row({"prompt": "What is AI?", "chosen": answered("Who are you?")}, "own")
