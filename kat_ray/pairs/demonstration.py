"""The demonstration corpus: preference pairs written by a seeded generator, so that nothing of others is needed.

Three sources, hh-rlhf, ultrafeedback-binarized and stack-exchange-preferences, mixed in one JSONL file of prefix rows
(a few are prompt rows). The key "planted" says what a row is; readers ignore it:

    topic NAME           a question of one of 24 topics; sizes fall off as 1/rank, so the first three are crowded
    isolated             60 prompts, each about something that nothing else is about
    other script         36 prompts in Chinese, Arabic, Cyrillic, Devanagari and a dozen further scripts
    hostile              34 valid prompts with markup, escape sequences, bidi and zero-width characters, huge words
    near duplicate       an earlier prompt with other case, punctuation, a typo or a courtesy: another id, close by
    respaced             an earlier prompt with other whitespace: the same id, a further pair
    other reply          an earlier prefix with other replies: a further pair
    reopened             an earlier first message that goes on in another way: same id, other conversation
    exact duplicate      an earlier row again, perhaps under another source
    (bad rows)           30 kinds of lines that are no pairs, and blank lines, which are no rows

The first 50 rows are plain topics. The report counts what was written. Same configuration, same bytes. With lengths
"real" the corpus follows a real collection of 270,029 pairs: prompts of 78 characters (median), 766 (95th percentile),
2,237 (99th), 27,586 (longest), 7 % conversations of several turns, 80 % rows with one reply, 253,000 different prompts
in 276,000 rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import orjson

from kat_ray.errors import InputError
from kat_ray.pairs.composer import Composer
from kat_ray.pairs.mixture import REAL, SHORT, plan
from kat_ray.pairs.output import open_jsonl
from kat_ray.pairs.specimens import BAD_LINES
from kat_ray.records import Pair
from kat_ray.storage import Location

_SMALLEST = 400
_REAL_FROM = 20_000
_BLANK_LINES = (b"", b"  ", b"\t", b"\r", b" \t ")
_PROMPT_ROWS = 0.03


@dataclass(frozen=True, slots=True)
class DemonstrationConfig:
    """What to write.

    Raises:
        InputError: for fewer rows than the planted ones need.
    """

    rows: int = 3_600
    """Rows to write, at least 400; bad ones and duplicates count, blank lines do not."""
    seed: int = 7
    """Seed of the generator; same seed, same bytes."""
    lengths: Literal["auto", "short", "real"] = "auto"
    """short: a few sentences, mostly two replies; real: as in a real collection; auto: real from 20,000 rows on."""

    def __post_init__(self) -> None:
        if self.rows < _SMALLEST:
            raise InputError(f"The demonstration corpus got {self.rows} rows, expected at least {_SMALLEST}.")

    @property
    def has_real_lengths(self) -> bool:
        """Whether lengths and shares follow the real collection."""
        return self.lengths == "real" or (self.lengths == "auto" and self.rows >= _REAL_FROM)


@dataclass(frozen=True, slots=True)
class DemonstrationReport:
    """What was written: rows = accepted + rejected + duplicates, lines = rows + blank_lines.

    complete, single_reply and multi_turn count accepted rows; planted counts lines by what they are.
    """

    lines: int
    blank_lines: int
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    prompts: int
    conversations: int
    complete: int
    single_reply: int
    multi_turn: int
    planted: dict[str, int]


def write(location: Location, config: DemonstrationConfig | None = None) -> DemonstrationReport:
    """Write the corpus as JSONL, gzipped when the name ends in .gz; only ids and a thousand rows are held."""
    corpus = _Corpus(config or DemonstrationConfig())
    with open_jsonl(location) as target:
        for line in corpus.lines():
            target.write(line + b"\n")
    return corpus.report()


class _Corpus:
    """Writes the planned lines one by one and counts what each is."""

    def __init__(self, config: DemonstrationConfig) -> None:
        mixture = REAL if config.has_real_lengths else SHORT
        self._rng = Random(config.seed)
        self._plan = plan(mixture, config.rows, self._rng)
        self._composer = Composer(mixture, self._rng)
        self._planted: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def lines(self) -> Iterator[bytes]:
        """Lines without their line feeds."""
        for number, kind in enumerate(self._plan):
            if kind == "blank":
                yield _BLANK_LINES[self._planted[kind] % len(_BLANK_LINES)]
            elif kind == "bad":
                yield BAD_LINES[self._planted[kind] % len(BAD_LINES)]
            else:
                yield self._row(number, kind)
            self._planted[kind] += 1

    def _row(self, number: int, kind: str) -> bytes:
        pair, label = self._composer.compose(kind)
        if kind != "exact duplicate":
            self._count(pair)
        row: dict[str, Any] = {"id": f"demo-{number:06d}"}
        text = pair.messages[0].content
        if len(pair.messages) == 1 and text == text.strip() and self._rng.random() < _PROMPT_ROWS:
            row["prompt"] = text
        else:
            row["prefix"] = {"messages": [{"role": role, "content": content} for role, content in pair.messages]}
        return orjson.dumps(
            {**row, "chosen": pair.chosen, "rejected": pair.rejected, "src": pair.source, "planted": label}
        )

    def _count(self, pair: Pair) -> None:
        self._counts["complete"] += pair.is_complete
        self._counts["single reply"] += (pair.chosen is None) != (pair.rejected is None)
        self._counts["multi turn"] += len(pair.messages) > 1

    def report(self) -> DemonstrationReport:
        """Counts of the lines that were given out."""
        rows = self._planted.total() - self._planted["blank"]
        rejected, duplicates = self._planted["bad"], self._planted["exact duplicate"]
        return DemonstrationReport(
            lines=self._planted.total(),
            blank_lines=self._planted["blank"],
            rows=rows,
            accepted=rows - rejected - duplicates,
            rejected=rejected,
            duplicates=duplicates,
            prompts=self._composer.num_prompts,
            conversations=self._composer.num_conversations,
            complete=self._counts["complete"],
            single_reply=self._counts["single reply"],
            multi_turn=self._counts["multi turn"],
            planted=dict(self._planted),
        )
