"""What is measured on: pairs, given or generated, the texts of their prompts, and the one build of them.

Everything is made when it is first asked for, in one folder that its owner removes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import orjson

from benchmark.builds import Built, run_build
from benchmark.sizes import Sizes
from kat_ray.encoders.encoder import DEFAULT_SPEC
from kat_ray.pairs.demonstration import DemonstrationConfig, write
from kat_ray.pairs.reader import SplitReader
from kat_ray.pairs.splits import plan_splits
from kat_ray.records import Pair, first_user_text, prompt_id
from kat_ray.snapshot.columns import read_table
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_OTHER_SEED = 8
_DEFAULT_SIZES = Sizes()


class Corpus:
    """Pairs and what becomes of them.

    `given` is a snapshot that is shown; with `builds` false it also stands for the one that would be built.
    """

    def __init__(
        self,
        folder: Path,
        pairs: str | None = None,
        given: str | None = None,
        *,
        builds: bool = True,
        sizes: Sizes = _DEFAULT_SIZES,
        encoder: str = DEFAULT_SPEC,
    ) -> None:
        self.folder, self.sizes, self.encoder = folder, sizes, encoder
        self.is_built = builds or given is None
        self.is_given = given is not None
        self._pairs, self._given = pairs, given

    @cached_property
    def pairs(self) -> str:
        """The file of pairs."""
        return self._pairs or self._generate("pairs", self.sizes.rows, 7)

    @cached_property
    def more_pairs(self) -> str:
        """A file of further rows, a share of those that the corpus has; other prompts, but for a few."""
        rows = round(self.sizes.grown * self.built.line["rows"]["input"])
        return self._generate("more", max(400, rows), _OTHER_SEED)

    @cached_property
    def built(self) -> Built:
        """The whole build, with the exact graph."""
        return run_build([self.pairs], str(self.folder / "store"), "--encoder", self.encoder)

    def has(self, name: str) -> bool:
        """Whether "pairs" or "built" was made already."""
        return name in self.__dict__

    @cached_property
    def shown(self) -> Snapshot:
        """What is served and drawn from: the given snapshot, else the one that is built."""
        return self.built.snapshot if self._given is None else Snapshot.open(self._given)

    @property
    def snapshot(self) -> Snapshot:
        """What is measured on: the one that is built, else the given one."""
        return self.built.snapshot if self.is_built else self.shown

    @cached_property
    def texts(self) -> list[str]:
        """The different prompts in order of first appearance."""
        if not self.is_built and self._pairs is None:
            return list(read_table(self.snapshot.location / "prompts.parquet", ["text"])["text"].to_pylist())
        found: dict[str, str] = {}
        for pair in read_pairs(self.pairs):
            text = first_user_text(pair.messages)
            if key := prompt_id(text):
                found.setdefault(key, text)
        return list(found.values())

    def sample(self, num_texts: int) -> list[str]:
        """Some prompts by chance, the same ones every time."""
        rows = np.random.default_rng(0).permutation(len(self.texts))[:num_texts]
        return [self.texts[row] for row in rows]

    def first_pairs(self, num_prompts: int) -> str:
        """A file of the first rows that have so many different prompts."""
        path, seen = self.folder / f"first-{num_prompts}.jsonl", set[str]()
        with path.open("wb") as target:
            for pair in read_pairs(self.pairs):
                seen.add(prompt_id(first_user_text(pair.messages)) or "")
                if len(seen) > num_prompts:
                    break
                target.write(_row(pair) + b"\n")
        return str(path)

    def _generate(self, name: str, rows: int, seed: int) -> str:
        path = str(self.folder / f"{name}.jsonl")
        write(Location(path), DemonstrationConfig(rows=rows, seed=seed, lengths="real"))
        return path


def read_pairs(uri: str) -> Iterator[Pair]:
    """The good rows of a file."""
    for split in plan_splits([uri]):
        yield from (found for _, found in SplitReader(split, "unknown") if isinstance(found, Pair))


def _row(pair: Pair) -> bytes:
    messages = [{"role": role, "content": content} for role, content in pair.messages]
    row = {"prefix": {"messages": messages}, "chosen": pair.chosen, "rejected": pair.rejected, "src": pair.source}
    return orjson.dumps(row)
