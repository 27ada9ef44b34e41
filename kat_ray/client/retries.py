"""Trying again: how often, after which pauses, and for how long in all.

Knows answers and time; nothing of sockets, Ray or what is asked for. Every request of KAT-Ray may be sent twice without
harm, so each is tried again when no answer came, or one that says "not now".
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from kat_ray.errors import InputError, ServiceUnavailableError

_LATER = frozenset({408, 429})  # and all from 500: a proxy gives 500 for a replica that died with the request
_CHANCE = random.SystemRandom()  # neither the seeded stream of the trainer, nor the same one in forked workers


@dataclass(frozen=True, slots=True)
class Answer:
    """Status code, headers with lower-case names, and body of an HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswerError(Exception):
    """One try ended without an answer; the message is the reason. Never leaves this package."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How long to insist. Example: Retries(count=2, total_seconds=5.0)

    Pause n is drawn between 0 and `first_pause_seconds` * 2**n ("full jitter", aws.amazon.com/builders-library,
    "Timeouts, retries and backoff with jitter"), so that clients that lost one service do not come back at one moment.
    A service's Retry-After is waited for in addition, unless it goes beyond `total_seconds`.
    """

    count: int = 5
    """Further tries after the first; 0 tries once."""
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 8.0
    total_seconds: float = 60.0
    """All tries and pauses together; no try starts later."""

    def __post_init__(self) -> None:
        if self.count < 0 or min(self.first_pause_seconds, self.longest_pause_seconds) < 0.0:
            raise InputError(f"Retries have a count and pauses of at least 0, got {self}.")
        if not self.total_seconds > 0.0:
            raise InputError(f"The total time of a request is {self.total_seconds} s, expected more than 0.")

    def run(self, attempt: Callable[[float], Answer], name: str) -> Answer:
        """The first answer that is not "later", of `attempt(seconds_left)`; it raises NoAnswerError when there is none.

        Raises:
            ServiceUnavailableError: there was no such answer in the time allowed.
        """
        started = time.monotonic()
        for number in range(self.count + 1):
            cause: NoAnswerError | None = None
            try:
                answer = attempt(self.total_seconds - (time.monotonic() - started))
                if answer.status not in _LATER and answer.status < 500:
                    return answer
                reason, asked = f"it answers with status {answer.status}", _retry_after_seconds(answer)
            except NoAnswerError as error:
                reason, asked, cause = str(error), 0.0, error
            pause = asked + _CHANCE.uniform(0.0, min(self.longest_pause_seconds, self.first_pause_seconds * 2**number))
            elapsed = time.monotonic() - started
            if number == self.count or elapsed + pause >= self.total_seconds:
                break
            time.sleep(pause)
        waiting = f" and asks to wait {asked:,.0f} s" if asked else ""
        raise ServiceUnavailableError(
            f"{name[0].upper()}{name[1:]} is not available: {reason}{waiting}. Tried {number + 1} times in "
            f"{elapsed:.1f} s; check that it runs and can be reached from here."
        ) from cause


def _retry_after_seconds(answer: Answer) -> float:
    """Seconds that the answer asks to wait (RFC 9110, 10.2.3: a number or a date); 0 when it does not say."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0
