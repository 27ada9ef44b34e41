from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kat_ray.records import normalize_whitespace, prompt_id
from kat_ray.snapshot.prompt_files import write_prompt_files
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location


@pytest.fixture
def out(store, tmp_path) -> Path:
    """A folder with the files of the twelve prompts."""
    tables = (table for _, table in Snapshot.open(store.location).prompt_blocks())
    write_prompt_files(tables, Location(str(tmp_path / "out")))
    return tmp_path / "out"


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]


def test_prompts_and_prefixes_share_ids_that_follow_the_rule(out, store):
    prompts, prefixes = _rows(out / "prompts_all.jsonl"), _rows(out / "prefixes_all.jsonl")
    ids = Snapshot.open(store.location).ids.to_pylist()
    assert [row["id"] for row in prompts] == [row["id"] for row in prefixes] == ids
    assert [prompt_id(row["prompt"]) for row in prompts] == ids
    assert all(set(row) == {"id", "prompt"} for row in prompts)


def test_prefixes_carry_the_conversation_its_sources_and_how_often_it_came(out):
    row = _rows(out / "prefixes_all.jsonl")[8]
    assert [message["role"] for message in row["prefix"]["messages"]] == ["user", "assistant", "user"]
    assert set(row["prefix"]) == {"messages"}
    assert row["src"] == "ultrafeedback-binarized"
    assert row["srcs"] == {"ultrafeedback-binarized": 3}
    assert row["n_pairs"] == 3


@pytest.mark.parametrize("name", ["prompt_id_map.tsv", "prefix_id_map.tsv"])
def test_maps_have_one_line_a_prompt_even_when_it_holds_tabs_and_line_breaks(out, name):
    lines = (out / name).read_text(encoding="utf-8").split("\n")[:-1]
    prompts = _rows(out / "prompts_all.jsonl")
    assert [line.split("\t") for line in lines] == [[row["id"], normalize_whitespace(row["prompt"])] for row in prompts]


def test_texts_are_kept_as_they_are_and_not_escaped(out):
    text = (out / "prompts_all.jsonl").read_text(encoding="utf-8")
    assert "倫理とは何ですか" in text
    assert _rows(out / "prompts_all.jsonl")[6]["prompt"] == "Explain entropy\nin two lines,\twith a tab."


def test_statistics_are_four_lines_that_add_up(out):
    lines = dict(line.split(": ", 1) for line in (out / "stats.txt").read_text().splitlines())
    assert list(lines) == ["total_pairs", "unique_prompts", "dedup_ratio", "source_breakdown"]
    breakdown = json.loads(lines["source_breakdown"])
    assert breakdown == {"hh-rlhf": 12, "ultrafeedback-binarized": 6, "own-data": 6}
    assert int(lines["total_pairs"]) == sum(breakdown.values())
    assert lines["dedup_ratio"] == f"{100 * 12 / 24:.2f}%"


def test_no_prompts_give_empty_files(tmp_path):
    names = write_prompt_files([], Location(str(tmp_path)))
    assert [(tmp_path / name).stat().st_size for name in names[:4]] == [0, 0, 0, 0]
    assert "dedup_ratio: 0.00%" in (tmp_path / "stats.txt").read_text()
