"""Downloads public preference data into one JSONL file of prefix rows.

A row is {"id", "prefix": {"messages"}, "chosen", "rejected", "src", "prefix_id"}; the id is a UUID made of dataset,
split and row number, so that equal data give equal bytes. Pairs are written in parts in the folder <output>.parts, with
a record of how far each source came; a second run under the same settings goes on after the last whole part. The output
appears when all is there, in one step, and replaces an earlier one.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from kat_ray.errors import InputError, RowError
from kat_ray.pairs.hub import SOURCES, Load, Source, SourceKey, load_streaming, stream_rows
from kat_ray.pairs.output import open_jsonl
from kat_ray.records import Pair, first_user_text, prompt_id
from kat_ray.storage import Location

_PART_PAIRS = 20_000
_PROGRESS_PAIRS = 1_000
_EXPECTED_PAIRS = 10_000
_FEW_PAIRS = 1_000
_NAMESPACE = uuid.UUID("6f0b6f3e-6a0f-5d0e-9a55-7d3f6c1e2b40")


def default_output() -> str:
    """data/pairs_all.jsonl below NANOCHAT_BASE_DIR, or below ~/.cache/nanochat."""
    base = os.environ.get("NANOCHAT_BASE_DIR") or str(Path.home() / ".cache" / "nanochat")
    return f"{base}/data/pairs_all.jsonl"


@dataclass(frozen=True, slots=True)
class DownloadConfig:
    """What to download and where to write it.

    Raises:
        InputError: when no source is left or the limit is below 1.
    """

    out: str = field(default_factory=default_output)
    """File to write, a path or a URI; a name ending in .gz is compressed."""
    only: SourceKey | None = None
    """Only this source: hh (HH-RLHF), uf (UltraFeedback) or se (Stack Exchange)."""
    hh: bool = True
    """HH-RLHF, train and test."""
    uf: bool = True
    """UltraFeedback binarized, train_prefs."""
    se: bool = True
    """Stack Exchange preferences: 10.7 million questions, so mind --max-pairs-per-source."""
    uf_test: bool = False
    """UltraFeedback's test_prefs as well."""
    max_pairs_per_source: int | None = None
    """Stop each source after so many pairs; None for all of them."""
    source_dir: str | None = None
    """Folder that holds the datasets as <dataset id>/…, instead of the hub."""

    def __post_init__(self) -> None:
        if self.max_pairs_per_source is not None and self.max_pairs_per_source < 1:
            raise InputError(f"--max-pairs-per-source is {self.max_pairs_per_source}, expected at least 1.")
        if not self.sources:
            raise InputError("No source is left: --only and the --no-... options exclude all of hh, uf and se.")

    @property
    def sources(self) -> list[Source]:
        """The sources to read, in order."""
        wanted = {"hh": self.hh, "uf": self.uf, "se": self.se}
        return [source for source in SOURCES if wanted[source.key] and self.only in (None, source.key)]


@dataclass(frozen=True, slots=True)
class DownloadReport:
    """Pairs written to `out` by source, and rows dropped by reason; `warning` is a sentence or empty."""

    out: str
    pairs: int
    sources: dict[str, int]
    dropped: dict[str, int]
    warning: str


def download_pairs(
    config: DownloadConfig, *, load: Load = load_streaming, say: Callable[[str], None] | None = None
) -> DownloadReport:
    """Download the sources in order and publish the output atomically.

    Args:
        config: what to download.
        load: gives the rows of a split.
        say: told one line every 1,000 pairs.

    Raises:
        InputError: when a dataset cannot be read, or no row of any gives a pair.
    """
    out = Location(config.out)
    parts = out.beside(".parts")
    downloads = [_Download(source, config, parts, load, say or (lambda _: None)) for source in config.sources]
    for download in downloads:
        download.run()
    report = _report(config, downloads)
    if not report.pairs:
        parts.delete()
        reasons = "; ".join(f"{count:,} rows: {reason}" for reason, count in report.dropped.items())
        raise InputError(f"No pairs in {', '.join(report.sources)} ({reasons or 'no rows'}); {out} is not written.")
    joined = parts / out.name
    with open_jsonl(joined) as target:
        for part in (part for download in downloads for part in download.parts()):
            with part.open_input() as stream:
                shutil.copyfileobj(stream, target, 1 << 20)
    joined.move_to(out)
    parts.delete()
    return report


def _report(config: DownloadConfig, downloads: list[_Download]) -> DownloadReport:
    dropped: Counter[str] = Counter()
    for download in downloads:
        dropped.update(download.state.dropped)
    sources = {download.source.label: download.state.num_pairs for download in downloads}
    num_pairs = sum(sources.values())
    warning = f"Only {num_pairs:,} pairs, expected more than {_EXPECTED_PAIRS:,}." if num_pairs < _FEW_PAIRS else ""
    return DownloadReport(str(Location(config.out)), num_pairs, sources, dict(dropped), warning)


@dataclass(slots=True)
class _State:
    """How far a source came: whole parts, and the next row to read."""

    settings: dict[str, Any]
    split: int = 0
    row: int = 0
    num_parts: int = 0
    num_pairs: int = 0
    is_complete: bool = False
    dropped: dict[str, int] = field(default_factory=dict)


class _Download:
    """One source, written part by part; the state file after each part is what a second run goes on from."""

    def __init__(
        self, source: Source, config: DownloadConfig, folder: Location, load: Load, say: Callable[[str], None]
    ) -> None:
        self.source = source
        self._config = config
        self._folder = folder
        self._load = load
        self._say = say
        self._splits = source.splits + (source.test_splits if config.uf_test else ())
        self.state = self._resumed()

    def run(self) -> None:
        """Read what is not yet there."""
        if self.state.num_pairs:
            self._say(f"{self.source.key}: going on after {self.state.num_pairs:,} pairs")
        pairs = self._pairs()
        while not self.state.is_complete:
            self._write_part(pairs)

    def parts(self) -> list[Location]:
        """The whole parts, in order."""
        return [self._part(number) for number in range(self.state.num_parts)]

    def _part(self, number: int) -> Location:
        return self._folder / f"{self.source.key}-{number:05d}.jsonl"

    @property
    def _state_file(self) -> Location:
        return self._folder / f"{self.source.key}.json"

    def _resumed(self) -> _State:
        """The stored state, if it was made under the same settings."""
        settings = {
            "dataset": self.source.dataset,
            "splits": list(self._splits),
            "source_dir": self._config.source_dir,
            "max_pairs": self._config.max_pairs_per_source,
        }
        if self._state_file.exists():
            stored = orjson.loads(self._state_file.read_bytes())
            if stored["settings"] == settings:
                return _State(**stored)
        return _State(settings)

    def _write_part(self, pairs: Iterator[bytes]) -> None:
        written = 0
        with self._part(self.state.num_parts).open_output() as stream:
            for line in pairs:
                stream.write(line)
                written += 1
                self.state.num_pairs += 1
                if self.state.num_pairs % _PROGRESS_PAIRS == 0:
                    self._say(f"{self.source.key}: {self.state.num_pairs:,} pairs")
                if written == _PART_PAIRS or self._is_full():
                    break
        self.state.num_parts += 1
        self.state.is_complete = written < _PART_PAIRS or self._is_full()
        self._state_file.write_bytes(orjson.dumps(asdict(self.state)))

    def _is_full(self) -> bool:
        limit = self._config.max_pairs_per_source
        return limit is not None and self.state.num_pairs >= limit

    def _pairs(self) -> Iterator[bytes]:
        """Lines of the pairs that are still to come; the state moves on with the rows."""
        folder = self._config.source_dir
        dataset = f"{folder.rstrip('/')}/{self.source.dataset}" if folder else self.source.dataset
        while self.state.split < len(self._splits):
            split = self._splits[self.state.split]
            for row in stream_rows(self._load, dataset, split, self.state.row):
                name = f"{self.source.dataset}/{split}/{self.state.row}"
                self.state.row += 1
                try:
                    pair = self.source.pair(row)
                    if not pair.is_complete:
                        raise RowError("a reply is missing")
                except RowError as error:
                    self.state.dropped[str(error)] = self.state.dropped.get(str(error), 0) + 1
                else:
                    yield _line(name, pair)
            self.state.split, self.state.row = self.state.split + 1, 0


def _line(name: str, pair: Pair) -> bytes:
    row = {
        "id": str(uuid.uuid5(_NAMESPACE, name)),
        "prefix": {"messages": [{"role": role, "content": content} for role, content in pair.messages]},
        "chosen": pair.chosen,
        "rejected": pair.rejected,
        "src": pair.source,
        "prefix_id": prompt_id(first_user_text(pair.messages)),
    }
    return orjson.dumps(row) + b"\n"
