"""Which port of this machine the service can have: the one that is asked for, or a free one."""

from __future__ import annotations

import errno
import random
import socket

from kat_ray.errors import ResourceError

_LASTING = range(20000, 30000)
"""Ports above these, which systems hand out for connections, may be taken again before a proxy listens."""
_TRIES = 100


def claim_port(host: str, port: int = 0) -> int:
    """A port of `host` that is free now, `port` itself unless that is 0: Ray's proxies would share a used one.

    Raises:
        ResourceError: the port is used, may not be used, or the address is not one of this machine.
    """
    for candidate in [port] if port else random.sample(_LASTING, _TRIES):
        try:
            _bind(host, candidate)
            return candidate
        except OSError as error:
            refused = error
        if refused.errno != errno.EADDRINUSE:
            break
    used = refused.errno == errno.EADDRINUSE
    reason = "another process listens there" if used else (refused.strerror or str(refused))
    raise ResourceError(
        f"Port {candidate} of {host} cannot be used: {reason}. Give another --port, or --port 0 for a free one."
    ) from refused


def _bind(host: str, port: int) -> None:
    """Take the port and let go of it.

    Raises:
        OSError: somebody has it, or the address is not one of this machine.
    """
    family, kind, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, kind) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
