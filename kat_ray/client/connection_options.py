"""What a caller may say of a connection: URL, token and timeout, each refused when it cannot be meant.

Knows no requests. No message shows a token, nor a URL that may hold a password.
"""

from __future__ import annotations

import ipaddress
import logging
from functools import cache

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from kat_ray.errors import InputError
from kat_ray.snapshot.terminal import plain

_LOG = logging.getLogger(__name__)


def check_timeout(seconds: float) -> None:
    """Refuse a timeout that is not positive. Raises InputError."""
    if not seconds > 0.0:
        raise InputError(f"The timeout is {seconds} s, expected more than 0.")


def check_url(url: str, token: str | None) -> None:
    """Refuse what is no URL of a service, and warn once a host of a token that anyone on the way can read.

    Raises:
        InputError: it cannot be read, holds a password or a query, or is not http or https.
    """
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise InputError("The service's URL cannot be read, expected one such as http://127.0.0.1:8000.") from None
    if parts.auth is not None:
        raise InputError(f"The URL of {parts.host} holds a user or password; give the token apart, by token=….")
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment:
        raise InputError(f"{plain(url, 200)!r} is no URL of a service, expected one such as http://127.0.0.1:8000.")
    if token is not None and parts.scheme == "http" and not _is_loopback(parts.host):
        _warn_of_plain_text(parts.host)


def check_token(token: str | None) -> None:
    """Refuse a token that no header can hold. Raises InputError."""
    if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
        raise InputError("The token must be ASCII letters, digits and signs without spaces; is a line end left in it?")


@cache
def _warn_of_plain_text(host: str) -> None:
    _LOG.warning("The token goes to %s over http://, so that anyone on the way can read it; use https://.", host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
