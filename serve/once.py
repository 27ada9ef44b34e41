"""A value that is made when it is first needed, once, however many threads ask at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Once(Generic[Value]):
    """Call it for the value. Whoever comes while it is being made waits; a failure is not kept, the next one tries.

    Example: texts = Once(lambda: snapshot.prompts(columns=["text"])["text"]); texts().take(rows)
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[Value] = []

    @property
    def made(self) -> Value | None:
        """The value if it is there; waits for nothing and makes nothing."""
        return self._made[0] if self._made else None

    def __call__(self) -> Value:
        """The value."""
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]
