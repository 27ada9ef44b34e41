"""A small grammar that asks questions and gives advice about a topic, in plain English.

Knows templates and their filling; knows nothing of rows or files. All randomness comes from the generator passed in.
"""

from __future__ import annotations

from random import Random

from kat_ray.pairs.topics import Topic


def question(topic: Topic, rng: Random) -> str:
    """One question or request, 40 to 160 characters."""
    text = _fill(_pick(_QUESTIONS, rng), topic, rng)
    opener = _pick(_OPENERS, rng)
    return f"{opener}{text[0].lower() if opener.endswith(', ') and text[:2] != 'I ' else text[0]}{text[1:]}"


def statement(topic: Topic, rng: Random) -> str:
    """One sentence of background or advice, 40 to 130 characters."""
    return _fill(_pick(_STATEMENTS, rng), topic, rng)


def follow_up(topic: Topic, rng: Random) -> str:
    """What a user says after a first answer."""
    return _fill(_pick(_FOLLOW_UPS, rng), topic, rng)


def evasion(rng: Random) -> str:
    """A reply that helps nobody."""
    return _pick(_EVASIONS, rng)


def exchange(topic: Topic, rng: Random) -> tuple[str, str, str]:
    """A question, its answer, and an answer of the same words about another thing."""
    asked, answered = _EXCHANGES[int(rng.random() * len(_EXCHANGES))]
    words = _words(topic, rng)
    about_other = {**words, "thing": words["other"], "other": words["thing"]}
    return asked.format(**words), answered.format(**words), answered.format(**about_other)


def _fill(template: str, topic: Topic, rng: Random) -> str:
    return template.format(**_words(topic, rng))


def _words(topic: Topic, rng: Random) -> dict[str, str | int]:
    first = int(rng.random() * len(topic.things))
    return {
        "thing": topic.things[first],
        "other": topic.things[first - 1 - int(rng.random() * (len(topic.things) - 1))],
        "act": _pick(topic.acts, rng),
        "trouble": _pick(topic.troubles, rng),
        "setting": _pick(topic.settings, rng),
        "number": 2 + int(rng.random() * 39),
    }


def _pick(words: tuple[str, ...], rng: Random) -> str:
    """As `rng.choice`, at a third of its cost: a corpus takes millions of picks."""
    return words[int(rng.random() * len(words))]


_OPENERS = (
    "",
    "",
    "",
    "",
    "Quick question: ",
    "I am a beginner. ",
    "In two sentences, ",
    "Step by step, ",
    "For my notes, ",
    "Without jargon, ",
)
_QUESTIONS = (
    "How do I {act} {thing} {setting}?",
    "What is the best way to {act} {thing} {setting}?",
    "I wanted to {act} {thing} {setting}, but it {trouble}. Why?",
    "Every time I try to {act} {thing}, it {trouble}. What am I doing wrong?",
    "Can you explain how people {act} {thing} {setting}?",
    "Give me {number} tips to {act} {thing} {setting}.",
    "Write a short guide on how to {act} {thing} {setting}.",
    "Compare {thing} and {other} {setting}.",
    "Which should I look at first {setting}, {thing} or {other}?",
    "What do I need before I {act} {thing} for the first time?",
    "Is it a mistake to {act} {thing} {setting}?",
    "How long does it take to {act} {thing} {setting}?",
    "Make a checklist to {act} {thing} and {other}.",
    "What are common mistakes when you {act} {thing}?",
)
_STATEMENTS = (
    "Before you {act} {thing}, have a look at {other}.",
    "Most people {act} {thing} {setting} without much trouble.",
    "If it {trouble}, try to {act} {other} instead.",
    "It takes about {number} minutes to {act} {thing} {setting}.",
    "I learned to {act} {thing} {setting} some {number} years ago.",
    "When it {trouble} {setting}, the usual reason is {thing}.",
    "Start with {thing}, then {act} {other} {setting}.",
    "Once you can {act} {thing}, {other} will be much easier.",
    "Keep {thing} apart from {other}, above all {setting}.",
)
_FOLLOW_UPS = (
    "Thanks. And what about {thing}?",
    "I tried that, but it {trouble}.",
    "Could you say more about how to {act} {thing}?",
    "Does that also hold {setting}?",
    "Should I {act} {thing} or {other} first?",
    "Please shorten that to one paragraph.",
)
_EXCHANGES = (
    ("How do I {act} {thing} {setting}?", "To {act} {thing} {setting}, begin with {other} and take {number} minutes."),
    (
        "What should I know before I {act} {thing} {setting}?",
        "People who {act} {thing} {setting} learn soon that it {trouble}.",
    ),
    (
        "I tried to {act} {thing}, but it {trouble}. Why?",
        "When you {act} {thing} and it {trouble}, look at {other} first.",
    ),
    ("Is it hard to {act} {thing}?", "It is not hard to {act} {thing}: about {number} tries, and some care {setting}."),
    ("What goes wrong with {thing} {setting}?", "The usual fault of {thing} {setting} is that it {trouble}."),
)
_EVASIONS = (
    "I am not sure about that.",
    "It depends on many things, so it is hard to say.",
    "You should look that up somewhere.",
    "That is an interesting question!",
    "Sorry, I would rather talk about something else.",
    "Just try and see what happens.",
)
