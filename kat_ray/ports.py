"""Which port of this machine a server can have: the one that is asked for, or a free one."""

from __future__ import annotations

import errno
import random
import socket

from kat_ray.errors import ResourceError

LASTING_PORTS = range(20000, 30000)
"""Where free ports are looked for. Those that Linux hands out for connections, from 32768 on, may be taken by anyone
who connects somewhere before the server listens."""
_TRIES = 100


def usable_port(host: str, port: int = 0) -> int:
    """A port of `host` that nobody uses now, `port` itself unless that is 0: Ray's proxies would share a used one.

    Raises:
        ResourceError: the port is used, may not be used, or the address is not one of this machine.
    """
    for candidate in [port] if port else random.sample(LASTING_PORTS, min(_TRIES, len(LASTING_PORTS))):
        try:
            _bind(host, candidate)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            if error.errno == errno.EACCES:
                raise ResourceError(f"Port {candidate} of {host} may not be used here; give another --port.") from error
            raise _unknown(host, error.strerror or str(error)) from error
        except UnicodeError as error:
            raise _unknown(host, "that is no name of a machine") from error
        return candidate
    if port:
        raise ResourceError(
            f"Port {port} of {host} cannot be used: another process listens there. Give another --port, or --port 0 "
            f"for a free one."
        )
    tried = f"{LASTING_PORTS[0]} and {LASTING_PORTS[-1]}"
    raise ResourceError(f"None of {_TRIES} ports of {host} between {tried} is free; give one as --port.")


def _bind(host: str, port: int) -> None:
    """Take the port and let go of it, as Ray's proxies do: by the first IPv4 address of a name.

    Raises:
        OSError, UnicodeError: somebody has it, or the address is not one of this machine.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))


def _unknown(host: str, reason: str) -> ResourceError:
    return ResourceError(f"Cannot listen on {host}: {reason}. Give an address of this machine as --host.")
