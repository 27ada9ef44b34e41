"""What a service is told before it starts: which snapshot, where it listens, who may ask, how much at once.

A frozen value that travels to replicas; an unsafe combination is refused here, before a port is opened. Knows nothing
of HTTP or of Ray. Holds digests of tokens, never tokens.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_type_hints

from kat_ray.errors import InputError
from serve.tokens import PUBLISH_VARIABLE, READ_VARIABLE, Tokens, find_tokens

_NO_OPTIONS = ("tokens", "lasting_tokens", "limits")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")
_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[!#-;=?-\[\]_a-z~%]*)?")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of everything; what is above is refused with the limit in the sentence."""

    body_bytes: int = 8 << 20
    """Bytes of a request's body; more is 413."""
    body_seconds: float = 30.0
    """Time to send a body; longer is 408."""
    ids: int = 100_000
    """Ids of one look-up or edit; more is 422, as with all counts below."""
    draws: int = 1_000_000
    """Draws of one request."""
    texts: int = 256
    """Unseen texts of one request."""
    text_chars: int = 32_000
    """Characters of an unseen text."""
    results: int = 1_000
    """Results of one search, and prompts whose texts are asked for at once."""
    requests: int = 128
    """Requests in work at once in one process; more is 503 with Retry-After."""
    open_requests: int = 32
    """Besides these, requests in work at once that need no token (the viewer's page); more is 503 with Retry-After."""
    requests_per_client: int = 64
    """Of `requests`, one client's (by address and token); more is 429 with Retry-After."""
    exposures: int = 1_000
    """Runs whose exposure is kept."""

    def __post_init__(self) -> None:
        for name in Limits.__dataclass_fields__:
            if not getattr(self, name) > 0:
                raise InputError(f"The limit {name} is {getattr(self, name)}, expected more than 0.")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """All that decides what a service does.

    Example: ServiceSettings("demo/store") or ServiceSettings.from_options({"snapshot": "demo/store", "port": 8001})
    """

    snapshot: str = field(repr=False)
    """A store, whose current snapshot is followed, or one snapshot."""
    host: str = "127.0.0.1"
    """Address to listen on; any other than loopback needs tokens."""
    port: int = 8000
    """Port to listen on."""
    refresh_seconds: float = 2.0
    """How often the store is asked for its current snapshot."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that the Host header may have, besides loopback and, on a wider bind, plain addresses and this host."""
    cors_origins: tuple[str, ...] = ()
    """Origins such as https://lab.example whose pages may call the service; none by default."""
    tokens: Tokens = field(default_factory=Tokens)
    """Valid tokens; without any, everything is open, which only loopback allows."""
    tokens_file: str | None = field(default=None, repr=False)
    """A file of tokens, read anew every `refresh_seconds`, so that tokens are exchanged without a pause."""
    lasting_tokens: Tokens = field(default_factory=Tokens)
    """Of the tokens, those that stay valid whatever the file says."""
    limits: Limits = field(default_factory=Limits)
    """The most of everything."""
    encoder: str | None = None
    """Where the snapshot's encoder is, when its name alone does not tell (a checkpoint folder)."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where unseen text is embedded: auto takes a GPU that this process sees; with gpu the search runs there too."""
    threads: int = 1
    """CPU threads of the encoder."""
    chat_url: str | None = None
    """Page of a chat with a model, which the viewer offers; none by default."""
    viewer_folder: str | None = None
    """The built viewer, served at /viz once it is there; by default the checkout's or that of the installed package."""

    def __post_init__(self) -> None:
        if not self.snapshot:
            raise InputError("No snapshot to serve was given; expected a store or snapshot such as demo/store.")
        if not 0 <= self.port <= 65535:
            raise InputError(f"The port is {self.port}, expected 0 to 65535.")
        if not 0.05 <= self.refresh_seconds <= 3600:
            raise InputError(f"refresh_seconds is {self.refresh_seconds}, expected 0.05 to 3600.")
        if self.threads < 1 or self.device not in ("auto", "cpu", "gpu"):
            raise InputError(f"Got {self.threads} threads on {self.device!r}, expected 1 or more on auto, cpu or gpu.")
        _check_names(self.allowed_hosts, self.cors_origins)
        if self.chat_url is not None and not _URL.fullmatch(self.chat_url):
            raise InputError(f"{self.chat_url[:80]!r} is no address of a chat; expected one such as https://chat.lab/.")
        if not (self.is_loopback or self.tokens):
            raise InputError(
                f"Listening on {self.host} without a token would give every prompt to anyone who reaches this machine. "
                f"Set {READ_VARIABLE} and {PUBLISH_VARIABLE} to tokens of your own, or listen on 127.0.0.1."
            )

    @property
    def is_loopback(self) -> bool:
        """Only this machine can reach the service."""
        return is_loopback(self.host)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], environment: Mapping[str, str]) -> ServiceSettings:
        """Settings from plain values as they stand in a YAML file, with tokens from the environment and `tokens_file`.

        Raises:
            InputError: an option is unknown or of another type, or the combination is refused.
        """
        given = dict(options)
        file = _checked("tokens_file", str | None, given.get("tokens_file"))
        given["tokens"] = find_tokens(environment, file)
        given["lasting_tokens"] = find_tokens(environment) if file else Tokens()
        given["limits"] = _build(Limits, _checked("limits", dict, given.get("limits", {})))
        settings: ServiceSettings = _build(cls, given)
        return settings


def is_loopback(host: str) -> bool:
    """Whether this name or address is this machine alone."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _check_names(hosts: tuple[str, ...], origins: tuple[str, ...]) -> None:
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise InputError(f"{host[:80]!r} is not a host name; expected one such as gpu7.lab, without port.")
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise InputError(f"{origin[:80]!r} is not an origin; expected one such as https://lab.example.")


def _build(kind: Any, values: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    if unknown := set(values) - set(hints):
        names = ", ".join(sorted(field.name for field in fields(kind) if field.name not in _NO_OPTIONS))
        raise InputError(f"Unknown option {', '.join(sorted(map(str, unknown)))}; expected some of {names}.")
    if kind is ServiceSettings and "snapshot" not in values:
        raise InputError("The option snapshot is missing; expected a store or snapshot such as demo/store.")
    return kind(**{name: _checked(name, hints[name], value) for name, value in values.items()})


def _checked(name: str, hint: Any, value: Any) -> Any:
    """The value in the type that it should have: a list becomes a tuple, a whole number a float."""
    if hint == tuple[str, ...] and isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    plain = str if name == "device" else hint
    if plain == tuple[str, ...] or not isinstance(value, plain) or (isinstance(value, bool) and hint is not bool):
        raise InputError(f"The option {name} is {type(value).__name__} {str(value)[:40]!r}, expected {hint}.")
    return value
