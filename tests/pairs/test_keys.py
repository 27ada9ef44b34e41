"""Keys agree exactly where rows do."""

from __future__ import annotations

import itertools

from kat_ray.pairs.keys import pair_key, prompt_key
from kat_ray.records import Message, Pair, conversation_id, prompt_id


def pair(*contents: str, chosen: str | None = "Yes", rejected: str | None = None, source: str = "own") -> Pair:
    roles = itertools.cycle(("user", "assistant"))
    return Pair(
        tuple(Message(role, text) for role, text in zip(roles, contents, strict=False)), chosen, rejected, source
    )


def test_a_prompt_key_is_the_id_as_a_number() -> None:
    multi = pair("Hi  there", "Hello", "Go on")
    assert f"{prompt_key(multi, 'first_user'):016x}" == prompt_id("Hi there")
    assert f"{prompt_key(multi, 'conversation'):016x}" == conversation_id(multi.messages)


def test_rows_with_equal_prefix_and_replies_share_a_key_whatever_their_source() -> None:
    assert pair_key(pair("Hi", source="a")) == pair_key(pair("Hi", source="b"))


def test_rows_that_differ_anywhere_have_different_keys() -> None:
    rows = [
        pair("Hi"),
        pair("Hi "),
        pair("Hi", chosen="No"),
        pair("Hi", chosen=None, rejected="Yes"),
        pair("Hi", chosen=None),
        pair("Hi", rejected="Yes"),
        pair("Hi", "Yes", "Hi"),
        pair("Hi", "YesH", "i"),
        pair("Hiassistant3:Yes", chosen=None),
        pair("Hichosen3:Yes", chosen=None),
        pair("Hi", chosen="Yesrejected2:No"),
        pair("Hi", chosen="Yes", rejected="No"),
        Pair((Message("system", "Hi"),), "Yes", None, "own"),
    ]
    assert len({pair_key(row) for row in rows}) == len(rows)
    assert all(len(pair_key(row)) == 16 for row in rows)
