"""Who may ask what: bearer tokens of two scopes, kept as digests. "publish" includes "read".

Any number of tokens of a scope are valid at once, so that they can be exchanged without an outage: add the new one, let
the clients change, take the old one away. A name after a token says whose it is; it goes on with the next token of the
same name. Knows nothing of HTTP.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kat_ray.errors import InputError
from kat_ray.storage import Location

LOG = logging.getLogger("kat_ray.serve")

Scope = Literal["read", "publish"]

READ_VARIABLE = "KAT_RAY_READ_TOKENS"
PUBLISH_VARIABLE = "KAT_RAY_PUBLISH_TOKENS"

_FORM = re.compile(r"[A-Za-z0-9._~+/-]{16,256}=*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")  # too short to be a token that was taken for a name
_HINT = "make one with: python -c 'import secrets; print(secrets.token_urlsafe())'"


class Holder(NamedTuple):
    """A valid token: what it may do, its number, by which its holder's requests are counted, and whose it is."""

    scope: Scope
    number: int
    name: str | None = None


class _Known(NamedTuple):
    digest: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """SHA-256 digests (hex) of the valid tokens; a token is random, so a plain digest cannot be turned around."""

    read: tuple[_Known, ...] = field(default=(), repr=False)
    publish: tuple[_Known, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, read: Iterable[str] = (), publish: Iterable[str] = ()) -> Tokens:
        """Digests of tokens in plain text, each `TOKEN` or `TOKEN NAME`.

        Raises:
            InputError: a token or name is of another length or has other characters than it may; it is not shown.
        """
        return cls(tuple(map(_parse, read)), tuple(map(_parse, publish)))

    def __bool__(self) -> bool:
        return bool(self.read or self.publish)

    def holder(self, token: str) -> Holder | None:
        """Whose token this is, in a time that does not depend on it; None when it is not valid."""
        digest, found = _digest(token), None
        valid = [("read", known) for known in self.read] + [("publish", known) for known in self.publish]
        for number, (scope, known) in enumerate(valid):
            if hmac.compare_digest(digest, known.digest):
                found = Holder("publish" if scope == "publish" else "read", number, known.name)
        return found


class ValidTokens:
    """The tokens that are valid now: those that a process began with, until their file is edited.

    `lasting` tokens, those of the environment, stay whatever the file says.
    """

    def __init__(self, first: Tokens, file: str | None = None, lasting: Tokens | None = None) -> None:
        self.now = first
        self._file = file
        self._lasting = lasting or Tokens()
        self._problem: str | None = None

    def refresh(self) -> None:
        """Read the file anew. One that cannot be read, or has no token, leaves the tokens as they are."""
        if self._file is None:
            return
        try:
            found = find_tokens({}, self._file)
            problem = None if found else "The token file has no token."
        except InputError as error:
            problem = str(error)
        if problem is None:
            lasting = self._lasting
            self.now = Tokens(lasting.read + found.read, lasting.publish + found.publish)
        elif problem != self._problem:
            LOG.warning("The tokens stay as they are: %s", problem)
        self._problem = problem


def find_tokens(environment: Mapping[str, str], file: str | None = None) -> Tokens:
    """Tokens from KAT_RAY_READ_TOKENS and KAT_RAY_PUBLISH_TOKENS (comma-separated) and from a file.

    The file has one token a line after its scope: `read TOKEN` or `publish TOKEN`, and a name after it if it has one;
    empty lines and what follows a # are passed over.

    Raises:
        InputError: the file cannot be read, or a line or token cannot be used.
    """
    found: dict[str, list[str]] = {"read": _split(environment, READ_VARIABLE)}
    found["publish"] = _split(environment, PUBLISH_VARIABLE)
    for number, line in enumerate(_lines(file) if file else [], 1):
        words = line.partition("#")[0].split()
        if words and (len(words) not in (2, 3) or words[0] not in found):
            raise InputError(f"Line {number} of the token file is not `read TOKEN [NAME]` or `publish TOKEN [NAME]`.")
        if words:
            found[words[0]].append(" ".join(words[1:]))
    return Tokens.of(found["read"], found["publish"])


def _split(environment: Mapping[str, str], name: str) -> list[str]:
    return [token.strip() for token in environment.get(name, "").split(",") if token.strip()]


def _lines(file: str) -> list[str]:
    try:
        return Location(file).read_bytes().decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The token file {Location(file)} cannot be read ({type(error).__name__}).") from None


def _parse(text: str) -> _Known:
    token, space, name = text.partition(" ")
    if not _FORM.fullmatch(token):
        raise InputError(
            f"A token has {len(token)} characters, expected 16 to 256 letters, digits or any of . _ ~ + / - =; {_HINT}"
        )
    if space and not _NAME.fullmatch(name):
        raise InputError(
            f"The name of a token has {len(name)} characters, expected at most 15 letters, digits or any of . _ -"
        )
    return _Known(_digest(token), name or None)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
