"""A value that is made when it is first needed, once, however many threads ask at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Once(Generic[Value]):
    """Call it for the value. Whoever comes while it is being made waits; a failure is not kept, the next one tries, and
    neither is a value that `is_good` finds gone.

    Example: texts = Once(lambda: snapshot.prompts(columns=["text"])["text"]); texts().take(rows)
    """

    def __init__(self, make: Callable[[], Value], is_good: Callable[[Value], bool] = lambda _: True) -> None:
        self._make = make
        self._is_good = is_good
        self._lock = threading.Lock()
        self._made: tuple[Value, ...] = ()

    @property
    def made(self) -> Value | None:
        """The value if it is there; waits for nothing and makes nothing."""
        made = self._made
        return made[0] if made and self._is_good(made[0]) else None

    def __call__(self) -> Value:
        """The value."""
        if (made := self.made) is not None:
            return made
        with self._lock:
            if (made := self.made) is None:
                made = self._make()
                self._made = (made,)
            return made
