"""Asks until an answer is right, for as long as it may take a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

_SECONDS = 60.0


def until(ask: Callable[[], Answer], is_right: Callable[[Answer], object]) -> Answer:
    """The first right answer; fails with the last wrong one."""
    deadline = time.monotonic() + _SECONDS
    while not is_right(answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {_SECONDS:.0f} s"
    return answer
