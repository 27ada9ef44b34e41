from __future__ import annotations

import pickle

import pytest

from kat_ray.errors import InputError
from serve.tokens import Holder, Tokens, ValidTokens, find_tokens

READ, READ_TOO, PUBLISH = "r" * 20, "s" * 20, "p" * 20


def test_two_tokens_of_a_scope_are_valid_at_once_and_any_other_is_not():
    tokens = Tokens.of([READ, READ_TOO], [PUBLISH])
    assert tokens.holder(READ) == Holder("read", 0)
    assert tokens.holder(READ_TOO) == Holder("read", 1)
    assert tokens.holder(PUBLISH) == Holder("publish", 2)
    for wrong in ("", READ[:-1], READ + "r", READ.upper(), "é" * 20, "\udcff"):
        assert tokens.holder(wrong) is None


def test_a_token_of_both_scopes_may_publish():
    assert Tokens.of([READ], [READ]).holder(READ) == Holder("publish", 1)


def test_a_name_says_whose_a_token_is_and_goes_on_with_its_next_token(tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"read {READ} team-a\nread {READ_TOO} team-a # from May on\npublish {PUBLISH}\n")
    tokens = find_tokens({"KAT_RAY_READ_TOKENS": f"{'t' * 20} team-b"}, str(file))
    assert [tokens.holder(token).name for token in (READ, READ_TOO, PUBLISH)] == ["team-a", "team-a", None]
    assert tokens.holder("t" * 20) == Holder("read", 0, "team-b")


@pytest.mark.parametrize("name", [READ_TOO, "é", "-a", "a b"])
def test_a_name_that_is_none_is_refused_and_not_shown_since_it_may_be_a_token(name):
    with pytest.raises(InputError, match="name of a token") as refused:
        Tokens.of([f"{READ} {name}"])
    assert name not in str(refused.value).partition("expected")[0]


def test_no_tokens_are_false_and_let_nobody_in():
    assert not Tokens()
    assert Tokens().holder(READ) is None
    assert Tokens.of(publish=[PUBLISH])


def test_tokens_travel_and_are_shown_without_themselves():
    tokens = Tokens.of([READ], [PUBLISH])
    sent = pickle.dumps(tokens)
    assert pickle.loads(sent) == tokens
    for text in (repr(tokens), str(tokens), sent.decode("latin-1")):
        assert READ not in text
        assert PUBLISH not in text


@pytest.mark.parametrize("weak", ["short", "with space in the middle", "x" * 300, "quote'quote'quote'"])
def test_a_weak_or_odd_token_is_refused_without_being_shown(weak):
    with pytest.raises(InputError, match="make one with") as refused:
        Tokens.of([weak])
    assert weak not in str(refused.value)


def test_tokens_come_from_the_environment_and_from_a_file(tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"# of this month\nread {READ_TOO}\n\npublish {PUBLISH}  # the team's\n")
    tokens = find_tokens({"KAT_RAY_READ_TOKENS": f" {READ}, ,"}, str(file))
    assert tokens == Tokens.of([READ, READ_TOO], [PUBLISH])
    assert find_tokens({}) == Tokens()


@pytest.mark.parametrize("line", ["write abcdefghijklmnopqrst", "abcdefghijklmnopqrst", "read a b c"])
def test_a_line_that_is_none_is_refused_by_its_number_alone(tmp_path, line):
    file = tmp_path / "tokens"
    file.write_text(f"\n{line}\n")
    with pytest.raises(InputError, match="Line 2") as refused:
        find_tokens({}, str(file))
    assert "abcdef" not in str(refused.value)


def test_a_token_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        find_tokens({}, str(tmp_path / "nothing"))


def test_an_edited_file_changes_what_is_valid_but_not_the_tokens_of_the_environment(tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"read {READ}\n")
    lasting = Tokens.of(publish=[PUBLISH])
    valid = ValidTokens(find_tokens({"KAT_RAY_PUBLISH_TOKENS": PUBLISH}, str(file)), str(file), lasting)
    valid.refresh()
    assert valid.now == Tokens.of([READ], [PUBLISH])
    file.write_text(f"read {READ_TOO}\n")
    valid.refresh()
    assert valid.now == Tokens.of([READ_TOO], [PUBLISH])


@pytest.mark.parametrize("content", [None, "", "# nobody\n", "read short", "anything at all"])
def test_a_file_that_cannot_be_used_leaves_the_tokens_and_is_logged_once(tmp_path, logged, content):
    file = tmp_path / "tokens"
    if content is not None:
        file.write_text(content)
    valid = ValidTokens(Tokens.of([READ]), str(file))
    for _ in range(3):
        valid.refresh()
    assert valid.now == Tokens.of([READ])
    assert [record.message.startswith("The tokens stay") for record in logged.records] == [True]


def test_tokens_without_a_file_stay():
    valid = ValidTokens(Tokens.of([READ]))
    valid.refresh()
    assert valid.now == Tokens.of([READ])
