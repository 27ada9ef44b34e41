"""Stage 1: pair files become prompts, pairs and rejects in order of first appearance.

    split -> rows, keys, rejects    in parallel, text written once
    keys  -> links                  one worker
    rows + links -> columns         streamed

Memory: a reading worker holds READ_ROWS rows; the linking worker about 4 x 41 bytes a row; the driver one small record
a split.
"""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.parquet as pq
from tqdm import tqdm

from kat_ray.engine.corpus import Corpus
from kat_ray.engine.split_rows import PromptsConfig, SplitParser, SplitRecord
from kat_ray.engine.tasks import Call, run_side_by_side, run_task
from kat_ray.errors import EmptyCorpusError
from kat_ray.pairs.linking import link
from kat_ray.pairs.reader import commonest
from kat_ray.pairs.splits import Split, plan_splits
from kat_ray.storage import Location

SPLIT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class PromptsSummary:
    """Counts of the stage; `input_hash` covers the accepted pairs in order, whatever files they came in."""

    num_input: int
    num_accepted: int
    num_rejected: int
    num_duplicates: int
    num_prompts: int
    num_complete_pairs: int
    num_single_reply_pairs: int
    num_bare_prompts: int
    sources: dict[str, int]
    input_hash: str
    reject_reasons: dict[str, int]
    first_reject: str
    seconds: float

    @property
    def rows(self) -> dict[str, int]:
        """The four counts of a summary line: accepted + rejected + duplicates = input."""
        return {
            "input": self.num_input,
            "accepted": self.num_accepted,
            "rejected": self.num_rejected,
            "duplicates": self.num_duplicates,
        }


def make_prompts(
    inputs: Sequence[str], work: Location, config: PromptsConfig, *, split_bytes: int = SPLIT_BYTES
) -> PromptsSummary:
    """Write prompts.parquet, pairs.parquet and rejects.parquet below `work`; a finished stage is not done again.

    Files are read in splits of about `split_bytes`; how they are cut changes nothing in the columns.

    Raises:
        InputError: an input path that is missing or empty.
        EmptyCorpusError: no row of the input is valid.
    """
    record = work / "prompts.json"
    if record.exists():
        return PromptsSummary(**json.loads(record.read_bytes()))
    started = time.perf_counter()
    splits = plan_splits(list(inputs), split_bytes=split_bytes)
    calls = [Call(_read_split, (index, split, work, config)) for index, split in enumerate(splits)]
    records = run_side_by_side("read", calls, unit="splits")
    counts = run_task(_link_and_write, work, records, config)
    summary = PromptsSummary(**counts, seconds=time.perf_counter() - started)
    _tell_rejects(summary)
    record.write_bytes(json.dumps(asdict(summary)).encode())
    (work / "rows").delete()
    return summary


def _read_split(index: int, split: Split, work: Location, config: PromptsConfig) -> SplitRecord:
    """Worker: parse one split into rows/NNNNN.{parquet,npy}, its rejects and its record."""
    folder, name = work / "rows", f"{index:05d}"
    done = folder / f"{name}.json"
    if not done.exists():
        record = SplitParser(index, split, config).write(folder, name)
        done.write_bytes(json.dumps(asdict(record)).encode())
    return SplitRecord(**json.loads(done.read_bytes()))


def _link_and_write(work: Location, records: list[SplitRecord], config: PromptsConfig) -> dict[str, Any]:
    """Worker: find duplicates and first appearances on the keys alone, then stream the columns."""
    corpus = Corpus.load(work, records)
    if not len(corpus.keys):
        raise EmptyCorpusError(_nothing_valid(work, records))
    keys = corpus.keys
    links = link(keys["prompt"], keys["pair"], keys["source"], keys["complete"], config.max_prompts)
    rejects = corpus.write_rejects(links.num_rows)
    corpus.write_prompts(links)
    corpus.write_pairs(links)
    used = slice(0, links.num_rows)
    is_pair = links.is_pair[used]
    num_accepted = int(is_pair.sum())
    num_complete = int((is_pair & keys["complete"][used]).sum())
    num_bare = corpus.num_bare_prompts
    return {
        "num_input": links.num_rows + rejects.total,
        "num_accepted": num_accepted,
        "num_rejected": rejects.total,
        "num_duplicates": links.num_rows - num_accepted,
        "num_prompts": int(links.num_pairs.shape[0]),
        "num_complete_pairs": num_complete,
        "num_single_reply_pairs": num_accepted - num_complete - num_bare,
        "num_bare_prompts": num_bare,
        "sources": corpus.count_sources(is_pair),
        "input_hash": corpus.input_hash(is_pair),
        "reject_reasons": rejects.reasons,
        "first_reject": rejects.first,
    }


def _tell_rejects(summary: PromptsSummary) -> None:
    """On stderr why rows were refused: the commonest reasons and the first place, no text of the rows."""
    if summary.num_rejected:
        reasons = commonest(summary.reject_reasons)
        line = f"rejected {summary.num_rejected:,} rows, the first at {summary.first_reject}: {reasons}"
        tqdm.write("\n".join(textwrap.wrap(line, 79)), file=sys.stderr)


def _nothing_valid(work: Location, records: list[SplitRecord]) -> str:
    num_rejected = sum(record.num_rejected for record in records)
    if not num_rejected:
        return "The input holds no rows at all; expected one preference pair a line or row."
    first = next(record for record in records if record.num_rejected)
    table = pq.read_table((work / f"rows/{first.index:05d}.rejects.parquet").open_input())
    return (
        f"None of the {num_rejected:,} input rows is valid. The first, {Location(first.uri).name} line "
        f"{table['line'][0].as_py()}, was refused: {table['reason'][0].as_py()}."
    )
