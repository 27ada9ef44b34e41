"""Composes the pairs of the demonstration corpus, one of a named kind at a time.

Keeps the ids of all prompts and pairs, so that a prompt called new is new and a reply called other is another one.
Knows nothing of files or JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random

from kat_ray.pairs.keys import pair_key, prompt_key
from kat_ray.pairs.mixture import Lengths, Mixture
from kat_ray.pairs.sentences import evasion, follow_up, question, statement
from kat_ray.pairs.specimens import HOSTILE, ISOLATED, OTHER_SCRIPTS
from kat_ray.pairs.topics import TOPICS, Topic
from kat_ray.records import Message, Pair

SOURCES = ("hh-rlhf", "ultrafeedback-binarized", "stack-exchange-preferences")

_REMEMBERED = 1_000
_POOL = 200
_MAX_EXCHANGES = 9
_TECHNICAL = ("python programming", "databases", "school mathematics", "car repair", "home repair", "astronomy")


@dataclass(frozen=True, slots=True)
class _Row:
    pair: Pair
    topic: Topic


class Composer:
    """Makes rows of every kind; rows made earlier are what near duplicates and other replies refer to."""

    def __init__(self, mixture: Mixture, rng: Random) -> None:
        self._mixture = mixture
        self._rng = rng
        self._pools = {topic.name: [statement(topic, rng) for _ in range(_POOL)] for topic in TOPICS}
        self._topic_weights = list(accumulate(1 / rank for rank in range(1, len(TOPICS) + 1)))
        self._specimens: dict[str, Iterator[str]] = {
            "isolated": iter(ISOLATED),
            "other script": iter(OTHER_SCRIPTS),
            "hostile": iter(HOSTILE),
        }
        self._recent: list[_Row] = []
        self._prompts: set[int] = set()
        self._conversations: set[int] = set()
        self._pairs: set[bytes] = set()

    @property
    def num_prompts(self) -> int:
        """Different prompts so far, by first user message."""
        return len(self._prompts)

    @property
    def num_conversations(self) -> int:
        """Different prefixes so far, by all turns."""
        return len(self._conversations)

    def compose(self, kind: str) -> tuple[Pair, str]:
        """The next pair of a kind and its label; the first must be a "topic"."""
        if kind in self._specimens:
            return self._specimen(next(self._specimens[kind])), kind
        if kind == "topic":
            topic = self._rng.choices(TOPICS, cum_weights=self._topic_weights)[0]
            return self._remember(self._new_prompt(topic, lambda: self._prompt(topic)), topic), f"topic {topic.name}"
        earlier = self._recent[int(self._rng.random() * len(self._recent))]
        if kind == "exact duplicate":
            return replace(earlier.pair, source=self._rng.choice(SOURCES)), kind
        if kind == "near duplicate":
            text = earlier.pair.messages[0].content
            pair = self._new_prompt(earlier.topic, lambda: _variant(text, self._rng))
        else:
            pair = self._new_pair(lambda: self._relative(kind, earlier))
        return self._remember(pair, earlier.topic), kind

    def _specimen(self, text: str) -> Pair:
        topic = self._rng.choice(TOPICS)
        return self._new_pair(lambda: self._answered((Message("user", text),), topic))

    def _new_prompt(self, topic: Topic, text: Callable[[], str]) -> Pair:
        while True:
            pair = Pair((Message("user", text()),), None, None, "")
            if prompt_key(pair, "first_user") not in self._prompts:
                return self._register(self._answered(self._continued(pair.messages, topic), topic))

    def _new_pair(self, make: Callable[[], Pair]) -> Pair:
        while pair_key(pair := make()) in self._pairs:
            pass
        return self._register(pair)

    def _register(self, pair: Pair) -> Pair:
        prompt = prompt_key(pair, "first_user")
        self._pairs.add(pair_key(pair))
        self._prompts.add(prompt)
        self._conversations.add(prompt if len(pair.messages) == 1 else prompt_key(pair, "conversation"))
        return pair

    def _remember(self, pair: Pair, topic: Topic) -> Pair:
        if len(self._recent) < _REMEMBERED:
            self._recent.append(_Row(pair, topic))
        else:
            self._recent[self._rng.randrange(_REMEMBERED)] = _Row(pair, topic)
        return pair

    def _relative(self, kind: str, earlier: _Row) -> Pair:
        """A further pair of an earlier prompt."""
        messages = earlier.pair.messages
        if kind == "respaced":
            messages = (Message("user", _respaced(messages[0].content, self._rng)), *messages[1:])
        elif kind == "reopened":
            messages = self._exchange(messages[:1], earlier.topic)
        return self._answered(messages, earlier.topic)

    def _prompt(self, topic: Topic) -> str:
        text = question(topic, self._rng)
        return self._fit(text, topic, self._mixture.prompt_lengths)

    def _continued(self, messages: tuple[Message, ...], topic: Topic) -> tuple[Message, ...]:
        """Now and then a conversation of several turns, seldom a long one."""
        chance = self._mixture.several_turns
        while self._rng.random() < chance and len(messages) < 2 * _MAX_EXCHANGES:
            messages = self._exchange(messages, topic)
            chance = 0.6
        return messages

    def _exchange(self, messages: tuple[Message, ...], topic: Topic) -> tuple[Message, ...]:
        return (*messages, Message("assistant", self._reply(topic)), Message("user", follow_up(topic, self._rng)))

    def _answered(self, messages: tuple[Message, ...], topic: Topic) -> Pair:
        """With two replies, one, or none; chosen speaks of the topic, rejected evades or speaks of another one."""
        draw = self._rng.random()
        chosen = rejected = None
        if draw >= self._mixture.no_reply:
            chosen = self._reply(topic)
        if draw >= self._mixture.no_reply + self._mixture.one_reply:
            rejected = evasion(self._rng) if self._rng.random() < 0.7 else self._reply(self._rng.choice(TOPICS))
        return Pair(messages, chosen, rejected, self._source(topic))

    def _reply(self, topic: Topic) -> str:
        return self._fit(self._rng.choice(self._pools[topic.name]), topic, self._mixture.reply_lengths)

    def _source(self, topic: Topic) -> str:
        weights = (0.15, 0.4, 1.0) if topic.name in _TECHNICAL else (0.5, 0.85, 1.0)
        return self._rng.choices(SOURCES, cum_weights=weights)[0]

    def _fit(self, text: str, topic: Topic, lengths: Lengths) -> str:
        """Text of about a drawn length: with sentences about the topic before it, or, if it must, cut at a word."""
        length = lengths.draw(self._rng)
        if len(text) > length and self._mixture.cuts:
            return text[:length].rsplit(" ", 1)[0]
        room = length - len(text)
        pool = self._pools[topic.name]
        place = int(self._rng.random() * _POOL)
        context: list[str] = []
        while room >= len(pool[place]):
            context.append(pool[place])
            room -= len(pool[place]) + 1
            place = (place + 1) % _POOL
        return " ".join([*context, text])


def _variant(text: str, rng: Random) -> str:
    """Almost the same text: another id after whitespace is normalized, as a rule, but the same meaning."""
    words = text.split(" ")
    place = rng.randrange(len(words))
    changes = (
        text.lower,
        lambda: text.rstrip("?.! ") + rng.choice(("??", " ?", "...", "!")),
        lambda: text + rng.choice((" Thanks!", " Please help.", " Thank you in advance.", " I need this today.")),
        lambda: " ".join([*words[:place], _swapped(words[place], rng), *words[place + 1 :]]),
        lambda: rng.choice(("Hi, ", "Hello! ", "Please: ", "Hey there. ")) + text,
    )
    return rng.choice(changes)()


def _swapped(word: str, rng: Random) -> str:
    """A typo: two neighboring letters change places."""
    if len(word) < 3:
        return word * 2
    place = rng.randrange(len(word) - 1)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _respaced(text: str, rng: Random) -> str:
    words = text.split(" ")
    return (
        rng.choice(("", " ", "\n")) + rng.choice(("  ", "\n", "\t", "\u00a0")).join(words) + rng.choice(("", " ", "\n"))
    )
