"""Every input row is accounted for with its true line; how the input is cut or spread over files changes nothing."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from kat_ray.engine.prompts import PromptsSummary, _read_split, make_prompts
from kat_ray.engine.split_rows import PromptsConfig
from kat_ray.errors import EmptyCorpusError, InputError
from kat_ray.pairs.splits import plan_splits
from kat_ray.storage import Location
from tests.engine.conftest import make_texts, row, write_rows

TABLES = ("prompts", "pairs", "rejects")
REJECTS = (
    b"{broken",
    b'{"prompt": ""}',
    b'{"prompt": "\xff\xfe"}',
    b"[1, 2]",
    b'{"prompt": "\\ud800"}',
    b'{"prompt": NaN}',
)
BLANKS = (b"", b"  \t", b"\r")


def nasty_lines(count: int, seed: int = 5) -> tuple[list[bytes], dict[str, int]]:
    """Lines of every fate in random order, and how many there are of each."""
    generator = random.Random(seed)
    texts = make_texts(count)
    lines: list[bytes] = []
    good: list[bytes] = []
    kinds = ["pair", "single", "bare", "other reply", "duplicate", "reject", "blank"]
    counts = dict.fromkeys(kinds, 0)
    for index, text in enumerate(texts):
        kind = generator.choice(kinds) if good else "pair"
        counts[kind] += 1
        if kind in ("duplicate", "other reply"):
            line = generator.choice(good)
            if kind == "other reply":
                line = json.dumps({**json.loads(line), "chosen": f"another {index}"}).encode()
        elif kind in ("reject", "blank"):
            line = generator.choice(REJECTS if kind == "reject" else BLANKS)
        else:
            replies = {"pair": ("chosen", "rejected"), "single": ("chosen",), "bare": ()}[kind]
            source = generator.choice(["alpha", "beta"])
            line = json.dumps(row(text, source, **{name: f"{name} of {index}" for name in replies})).encode()
            good.append(line)
        lines.append(line)
    return lines, counts


def make(
    inputs: list[Path], work: Path, config: PromptsConfig | None = None, split_bytes: int = 64 << 20
) -> PromptsSummary:
    return make_prompts(
        [str(path) for path in inputs], Location(str(work)), config or PromptsConfig(), split_bytes=split_bytes
    )


def tables(work: Path) -> dict[str, pa.Table]:
    return {name: pq.read_table(work / f"{name}.parquet") for name in TABLES}


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nasty") / "pairs.jsonl"
    path.write_bytes(b"\n".join(nasty_lines(400)[0]))
    return path


def test_accepted_rejected_and_duplicate_rows_add_up_to_the_input(joined: None, nasty: Path, tmp_path: Path) -> None:
    _, counts = nasty_lines(400)
    summary = make([nasty], tmp_path)
    assert summary.num_rejected == counts["reject"]
    assert summary.num_duplicates == counts["duplicate"]
    assert summary.num_input == 400 - counts["blank"]
    assert summary.num_accepted + summary.num_rejected + summary.num_duplicates == summary.num_input
    assert summary.num_prompts == counts["pair"] + counts["single"] + counts["bare"]
    assert summary.num_bare_prompts == counts["bare"]
    kinds = summary.num_complete_pairs + summary.num_single_reply_pairs + summary.num_bare_prompts
    assert kinds == summary.num_accepted == sum(summary.sources.values())


def test_every_reject_has_its_true_line_and_a_reason(joined: None, nasty: Path, tmp_path: Path) -> None:
    lines, _ = nasty_lines(400)
    for name, split_bytes in (("whole", 64 << 20), ("cut", 701)):
        make([nasty], tmp_path / name, split_bytes=split_bytes)
        rejects = tables(tmp_path / name)["rejects"]
        assert rejects["line"].to_pylist() == [number for number, line in enumerate(lines, 1) if line in REJECTS]
        assert set(rejects["file"].to_pylist()) == {"pairs.jsonl"}
        assert all(rejects["reason"].to_pylist())


def test_columns_do_not_depend_on_splits_and_workers(joined: None, nasty: Path, tmp_path: Path) -> None:
    whole = make([nasty], tmp_path / "whole")
    cut = make([nasty], tmp_path / "cut", split_bytes=977)
    assert replace(cut, seconds=0) == replace(whole, seconds=0)
    for name in TABLES:
        expected = (tmp_path / "whole" / f"{name}.parquet").read_bytes()
        assert (tmp_path / "cut" / f"{name}.parquet").read_bytes() == expected, name


def test_columns_do_not_depend_on_files(joined: None, nasty: Path, tmp_path: Path) -> None:
    lines, _ = nasty_lines(400)
    shards = [tmp_path / name for name in ("b.jsonl", "a.jsonl.gz", "c.jsonl")]
    shards[0].write_bytes(b"\n".join(lines[:150]) + b"\n")
    shards[1].write_bytes(gzip.compress(b"\n".join(lines[150:151])))
    shards[2].write_bytes(b"\n".join(lines[151:]))
    whole = make([nasty], tmp_path / "whole")
    sharded = make(shards, tmp_path / "sharded")
    assert sharded.input_hash == whole.input_hash
    for name in ("prompts", "pairs"):
        expected = (tmp_path / "whole" / f"{name}.parquet").read_bytes()
        assert (tmp_path / "sharded" / f"{name}.parquet").read_bytes() == expected, name
    rejects = tables(tmp_path / "sharded")["rejects"].to_pylist()
    expected_lines = [("b.jsonl", n) for n, line in enumerate(lines[:150], 1) if line in REJECTS]
    expected_lines += [("a.jsonl.gz", 1)] if lines[150] in REJECTS else []
    expected_lines += [("c.jsonl", n) for n, line in enumerate(lines[151:], 1) if line in REJECTS]
    assert [(reject["file"], reject["line"]) for reject in rejects] == expected_lines


def test_duplicates_are_found_across_files_and_sources_are_counted(joined: None, tmp_path: Path) -> None:
    first = write_rows(
        tmp_path / "first.jsonl", [row("Hi", "a", chosen="x"), row("Ho", "a"), row("Hi", "b", chosen="y")]
    )
    second = write_rows(tmp_path / "second.jsonl", [row("Hi", "c", chosen="x"), row(" Hi ", "b", chosen="z")])
    summary = make([first, second], tmp_path / "out")
    assert (summary.num_accepted, summary.num_duplicates, summary.num_prompts) == (4, 1, 2)
    assert summary.sources == {"a": 2, "b": 2}
    prompt = tables(tmp_path / "out")["prompts"].to_pylist()[0]
    assert prompt["source"] == "a"
    assert prompt["sources"] == [{"source": "a", "count": 1}, {"source": "b", "count": 2}]
    assert (prompt["num_pairs"], prompt["num_complete_pairs"]) == (3, 0)
    assert tables(tmp_path / "out")["pairs"]["prompt_row"].to_pylist() == [0, 1, 0, 0]


def test_a_cut_counts_what_lies_before_it_and_nothing_after(joined: None, tmp_path: Path) -> None:
    rows = [json.dumps(row(text)).encode() for text in make_texts(30)]
    lines = [rows[0], b"{broken", rows[1], rows[0], b"{broken", rows[2], rows[1], b"{broken", *rows[3:], b"{broken"]
    (tmp_path / "pairs.jsonl").write_bytes(b"\n".join(lines))
    for name, split_bytes in (("whole", 64 << 20), ("cut", 130)):
        summary = make([tmp_path / "pairs.jsonl"], tmp_path / name, PromptsConfig(max_prompts=3), split_bytes)
        counts = (summary.num_input, summary.num_accepted, summary.num_rejected, summary.num_duplicates)
        assert counts == (8, 3, 3, 2), name
        assert tables(tmp_path / name)["rejects"]["line"].to_pylist() == [2, 5, 8]
        assert tables(tmp_path / name)["prompts"].num_rows == 3


def test_a_limit_that_is_not_reached_changes_nothing(joined: None, nasty: Path, tmp_path: Path) -> None:
    free = make([nasty], tmp_path / "free")
    make([nasty], tmp_path / "limited", PromptsConfig(max_prompts=free.num_prompts))
    for name in TABLES:
        assert tables(tmp_path / "limited")[name].equals(tables(tmp_path / "free")[name]), name


def test_prompts_can_be_told_apart_by_the_whole_conversation(joined: None, tmp_path: Path) -> None:
    openings = [
        ["Hi", "Hello!", "Name a fish."],
        ["Hi", "Hello!", "Name a bird."],
        ["Hi"],
        ["Hi", "Hello!", "Name a fish."],
    ]
    roles = ("user", "assistant", "user")
    rows = [
        {
            "prefix": {"messages": [{"role": r, "content": c} for r, c in zip(roles, turns, strict=False)]},
            "chosen": "ok",
        }
        for turns in openings
    ]
    path = write_rows(tmp_path / "pairs.jsonl", rows)
    by_user = make([path], tmp_path / "user")
    by_turns = make([path], tmp_path / "turns", PromptsConfig(text="conversation", dedupe_by="conversation"))
    assert (by_user.num_prompts, by_turns.num_prompts) == (1, 3)
    assert (by_user.num_duplicates, by_turns.num_duplicates) == (1, 1)
    assert by_user.input_hash != by_turns.input_hash
    prompts = tables(tmp_path / "turns")["prompts"]
    assert prompts["id"].to_pylist() == prompts["conversation_id"].to_pylist()
    assert prompts["text"][0].as_py() == "user: Hi\nassistant: Hello!\nuser: Name a fish."


def test_a_finished_stage_is_not_done_again(joined: None, nasty: Path, tmp_path: Path) -> None:
    first = make([nasty], tmp_path)
    assert make([tmp_path / "gone.jsonl"], tmp_path) == first
    assert not (tmp_path / "rows").exists()


def test_a_broken_stage_reads_only_the_splits_that_are_missing(joined: None, nasty: Path, tmp_path: Path) -> None:
    data = nasty.read_bytes()
    (tmp_path / "pairs.jsonl").write_bytes(data)
    splits = plan_splits([str(tmp_path / "pairs.jsonl")], split_bytes=9_000)
    for index, split in list(enumerate(splits))[1:]:
        _read_split(index, split, Location(str(tmp_path / "broken")), PromptsConfig())
    assert len(splits) > 2
    unread = data.index(b"\n", 9_000) + 1  # the first split ends with the line that its last byte lies in
    (tmp_path / "pairs.jsonl").write_bytes(data[:unread] + b"?" * (len(data) - unread))
    make([tmp_path / "pairs.jsonl"], tmp_path / "broken", split_bytes=9_000)
    make([nasty], tmp_path / "whole")
    for name in TABLES:
        assert tables(tmp_path / "broken")[name].equals(tables(tmp_path / "whole")[name]), name


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b"{broken\n\n[]\n",
            r"None of the 2 input rows is valid\. The first, pairs\.jsonl line 1, was refused: not valid",
        ),
        (b"\n \n", "holds no rows at all"),
    ],
)
def test_an_input_without_a_valid_row_is_one_sentence(
    joined: None, tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "pairs.jsonl").write_bytes(content)
    with pytest.raises(EmptyCorpusError, match=reason) as caught:
        make([tmp_path / "pairs.jsonl"], tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_missing_and_empty_inputs_are_named(joined: None, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match=r"nowhere\.jsonl does not exist"):
        make([tmp_path / "nowhere.jsonl"], tmp_path / "out")
    with pytest.raises(InputError, match=r"empty\.jsonl"):
        make([tmp_path / "empty.jsonl"], tmp_path / "out")
