"""Downloads give the seeds' rows, go on after a kill and never leave a half file. No test touches the network."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from kat_ray.errors import InputError
from kat_ray.pairs import download as download_module
from kat_ray.pairs.download import DownloadConfig, DownloadReport, default_output, download_pairs
from kat_ray.pairs.hub import load_streaming
from kat_ray.pairs.keys import pair_key
from kat_ray.pairs.reader import SplitReader
from kat_ray.pairs.splits import plan_splits
from kat_ray.records import Pair
from kat_ray.storage import Location

Row = dict[str, Any]
MESSAGE = {"type": "object", "properties": {"role": {"enum": ["user", "assistant"]}, "content": {"type": "string"}}}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "prefix", "chosen", "rejected", "src", "prefix_id"],
    "properties": {
        "id": {"type": "string"},
        "prefix": {
            "type": "object",
            "required": ["messages"],
            "properties": {"messages": {"type": "array", "minItems": 1, "items": MESSAGE}},
        },
        "chosen": {"type": "string", "minLength": 1},
        "rejected": {"type": "string", "minLength": 1},
        "src": {"enum": ["hh-rlhf", "ultrafeedback-binarized", "stack-exchange-preferences"]},
        "prefix_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    },
}


def hh_row(number: int, reply: str = "Yes") -> Row:
    prefix = f"\n\nHuman: Question {number}?\n\nAssistant: What?\n\nHuman: Go on\n\nAssistant: "
    return {"chosen": f"{prefix}{reply}", "rejected": f"{prefix}No {number}\n\n- really"}


def uf_row(number: int) -> Row:
    prompt = {"role": "user", "content": f"Ultra {number}"}
    replies = [[prompt, {"role": "assistant", "content": text}] for text in ("Good", "Bad")]
    return {
        "prompt": prompt["content"], "prompt_id": "0" * 64, "chosen": replies[0], "rejected": replies[1],
        "messages": replies[0], "score_chosen": 8.0, "score_rejected": 3.0,
    }  # fmt: skip


def se_row(number: int, scores: tuple[int, ...] = (1, 3, 0)) -> Row:
    answers = [
        {
            "answer_id": index, "author": "a", "author_id": 1, "author_profile": "https://example.org/a",
            "pm_score": score, "selected": index == 0, "text": f"<p>Answer <b>{score}</b></p><pre>x\n  y</pre>",
        }
        for index, score in enumerate(scores)
    ]  # fmt: skip
    question = f"<p>Exchange {number} &amp; more?</p>"
    return {"qid": number, "question": question, "answers": answers, "date": "2020/01/01", "metadata": ["https://x"]}


DATA: dict[tuple[str, str], list[Row]] = {
    ("Anthropic/hh-rlhf", "train"): [hh_row(n) for n in range(40)],
    ("Anthropic/hh-rlhf", "test"): [hh_row(n) for n in range(40, 50)],
    ("HuggingFaceH4/ultrafeedback_binarized", "train_prefs"): [uf_row(n) for n in range(30)],
    ("HuggingFaceH4/ultrafeedback_binarized", "test_prefs"): [uf_row(n) for n in range(30, 35)],
    ("HuggingFaceH4/stack-exchange-preferences", "train"): [se_row(n) for n in range(20)],
}


class Hub:
    """Loads from a table of rows, counts those it gave, and may break off."""

    def __init__(self, data: Mapping[tuple[str, str], list[Row]] = DATA, break_after: int | None = None) -> None:
        self._data = data
        self._break_after = break_after
        self.num_given = 0

    def __call__(self, dataset: str, split: str, skip: int) -> Iterable[Row]:
        return self._rows(self._data[dataset, split][skip:])

    def _rows(self, rows: list[Row]) -> Iterator[Row]:
        for row in rows:
            if self.num_given == self._break_after:
                raise ConnectionError("connection reset")
            self.num_given += 1
            yield row


def download(out: Path, hub: Hub | None = None, **options: Any) -> tuple[DownloadReport, list[Row]]:
    report = download_pairs(DownloadConfig(out=str(out), **options), load=hub or Hub())
    data = out.read_bytes()
    return report, [
        orjson.loads(line) for line in (gzip.decompress(data) if out.suffix == ".gz" else data).splitlines()
    ]


def labels(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["src"] for row in rows))


def test_three_sources_are_written_in_order_with_rows_of_the_schema(tmp_path: Path) -> None:
    report, rows = download(tmp_path / "new" / "pairs.jsonl")
    assert labels(rows) == ["hh-rlhf", "ultrafeedback-binarized", "stack-exchange-preferences"]
    assert report.sources == {"hh-rlhf": 50, "ultrafeedback-binarized": 30, "stack-exchange-preferences": 20}
    assert report.pairs == len(rows) == 100
    for row in rows:
        jsonschema.validate(row, SCHEMA)
        roles = [message["role"] for message in row["prefix"]["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        assert uuid.UUID(row["id"]).version == 5
    assert len({row["id"] for row in rows}) == 100


def test_what_is_written_is_read_as_the_same_pairs(tmp_path: Path) -> None:
    download(tmp_path / "x.jsonl.gz")
    splits = plan_splits([str(tmp_path / "x.jsonl.gz")])
    pairs = [pair for split in splits for _, pair in SplitReader(split, "own") if isinstance(pair, Pair)]
    assert len({pair_key(pair) for pair in pairs}) == 100
    assert all(pair.is_complete for pair in pairs)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"only": "hh"}, ["hh-rlhf"]),
        ({"only": "uf"}, ["ultrafeedback-binarized"]),
        ({"only": "se"}, ["stack-exchange-preferences"]),
        ({"hh": False}, ["ultrafeedback-binarized", "stack-exchange-preferences"]),
        ({"uf": False}, ["hh-rlhf", "stack-exchange-preferences"]),
        ({"se": False}, ["hh-rlhf", "ultrafeedback-binarized"]),
    ],
)
def test_sources_can_be_chosen(tmp_path: Path, options: Row, expected: list[str]) -> None:
    assert labels(download(tmp_path / "x.jsonl", **options)[1]) == expected


def test_a_choice_that_leaves_no_source_is_refused() -> None:
    with pytest.raises(InputError, match="No source is left"):
        DownloadConfig(out="x", only="hh", hh=False)
    with pytest.raises(InputError, match="expected at least 1"):
        DownloadConfig(out="x", max_pairs_per_source=0)


def test_transcripts_keep_their_turns_and_line_breaks(tmp_path: Path) -> None:
    row = download(tmp_path / "x.jsonl", only="hh")[1][7]
    assert [message["content"] for message in row["prefix"]["messages"]] == ["Question 7?", "What?", "Go on"]
    assert (row["chosen"], row["rejected"]) == ("Yes", "No 7\n\n- really")


def test_ultrafeedback_reads_the_last_message_as_reply_and_test_prefs_on_request(tmp_path: Path) -> None:
    rows = download(tmp_path / "x.jsonl", only="uf", uf_test=True)[1]
    assert [row["prefix"]["messages"][0]["content"] for row in rows] == [f"Ultra {n}" for n in range(35)]
    assert (rows[0]["chosen"], rows[0]["rejected"]) == ("Good", "Bad")


def test_stack_exchange_takes_best_against_worst_without_markup(tmp_path: Path) -> None:
    row = download(tmp_path / "x.jsonl", only="se")[1][3]
    assert row["prefix"]["messages"] == [{"role": "user", "content": "Exchange 3 & more?"}]
    assert (row["chosen"], row["rejected"]) == ("Answer 3\n\nx\n  y", "Answer 0\n\nx\n  y")


def test_rows_that_are_no_pairs_are_dropped_by_reason(tmp_path: Path) -> None:
    other = {"chosen": hh_row(1)["chosen"], "rejected": hh_row(2)["rejected"]}
    empty = {**uf_row(1), "rejected": [uf_row(1)["rejected"][0], {"role": "assistant", "content": " "}]}
    untitled = {**se_row(1), "question": None}
    silent = {**se_row(1), "answers": [{"pm_score": 1, "text": None}, {"pm_score": 0, "text": "x"}]}
    data = {
        ("Anthropic/hh-rlhf", "train"): [hh_row(1), other, hh_row(2, reply="")],
        ("Anthropic/hh-rlhf", "test"): [{"text": "another schema"}],
        ("HuggingFaceH4/ultrafeedback_binarized", "train_prefs"): [uf_row(1), empty],
        ("HuggingFaceH4/stack-exchange-preferences", "train"): [
            se_row(1), se_row(2, (4, 4)), {**se_row(3), "answers": []}, untitled, silent, se_row(4, (2,)),
        ],
    }  # fmt: skip
    report, rows = download(tmp_path / "x.jsonl", Hub(data))
    assert len(rows) == report.pairs == 3
    assert report.dropped == {
        "chosen and rejected answer different prefixes": 1,
        "a transcript ends with an empty reply": 1,
        "there is no prefix, no prompt and no reply that holds one": 1,
        "a reply is missing": 1,
        "all answers have the same score": 2,
        "the row has no question or no answers": 2,
        "an answer has no text": 1,
    }


def test_a_limit_holds_for_each_source_over_its_splits(tmp_path: Path) -> None:
    report, rows = download(tmp_path / "x.jsonl", max_pairs_per_source=45)
    assert list(report.sources.values()) == [45, 30, 20]
    assert len(rows) == 95


def test_equal_data_give_equal_bytes(tmp_path: Path) -> None:
    download(tmp_path / "a.jsonl")
    download(tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


@pytest.mark.parametrize("break_after", [0, 5, 30, 47, 65, 99])
def test_a_download_that_broke_off_goes_on_after_the_last_whole_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_after: int
) -> None:
    monkeypatch.setattr(download_module, "_PART_PAIRS", 8)
    download(tmp_path / "whole.jsonl")
    out = tmp_path / "x.jsonl"
    hub = Hub(break_after=break_after)
    with pytest.raises(InputError, match=r"connection reset.*run the same command again"):
        download(out, hub)
    assert not out.exists()
    hub = Hub()
    download(out, hub)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert hub.num_given < 100 - break_after + 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["whole.jsonl", "x.jsonl"]


def test_a_killed_download_leaves_no_half_file_and_goes_on(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal\n"
        "from kat_ray.pairs import download\n"
        "download._PART_PAIRS = 8\n"
        "def load(dataset, split, skip):\n"
        "    for n in range(skip, 60):\n"
        "        if n == 30:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        text = f'\\n\\nHuman: Question {n}?\\n\\nAssistant: '\n"
        "        yield {'chosen': text + 'Yes', 'rejected': text + 'No'}\n"
        f"download.download_pairs(download.DownloadConfig({str(tmp_path / 'x.jsonl')!r}, only='hh'), load=load)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run([sys.executable, script], check=False, env=environment, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "x.jsonl").exists()
    told: list[str] = []
    rows = [hh_row(n) for n in range(40)]
    hub = Hub({("Anthropic/hh-rlhf", "train"): rows, ("Anthropic/hh-rlhf", "test"): []})
    download_pairs(DownloadConfig(str(tmp_path / "x.jsonl"), only="hh"), load=hub, say=told.append)
    assert told == ["hh: going on after 24 pairs"]
    assert (tmp_path / "x.jsonl").read_bytes().count(b"\n") == 40
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.py", "x.jsonl"]


def test_parts_of_other_settings_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "_PART_PAIRS", 8)
    with pytest.raises(InputError):
        download(tmp_path / "x.jsonl", Hub(break_after=30), max_pairs_per_source=20)
    report, rows = download(tmp_path / "x.jsonl")
    assert report.pairs == len(rows) == 100


def test_an_earlier_output_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b"old")
    with pytest.raises(InputError):
        download(tmp_path / "x.jsonl", Hub(break_after=30))
    assert (tmp_path / "x.jsonl").read_bytes() == b"old"


def test_no_pairs_is_an_error_with_the_reasons_and_leaves_nothing(tmp_path: Path) -> None:
    data = {key: [{"text": "x"}] * 3 for key in DATA}
    with pytest.raises(InputError, match=r"No pairs in hh-rlhf \(6 rows: there is no prefix"):
        download(tmp_path / "x.jsonl", Hub(data), only="hh")
    assert list(tmp_path.iterdir()) == []


def test_few_pairs_give_a_warning_and_progress_is_told(tmp_path: Path) -> None:
    assert download(tmp_path / "x.jsonl")[0].warning == "Only 100 pairs, expected more than 10,000."
    data = {("Anthropic/hh-rlhf", "train"): [hh_row(n) for n in range(2_500)], ("Anthropic/hh-rlhf", "test"): []}
    told: list[str] = []
    report = download_pairs(DownloadConfig(str(tmp_path / "y.jsonl"), only="hh"), load=Hub(data), say=told.append)
    assert report.warning == ""
    assert told == ["hh: 1,000 pairs", "hh: 2,000 pairs"]


def test_the_output_may_lie_in_an_object_store(s3_uri: Callable[[str], str]) -> None:
    out = Location(s3_uri("download")) / "pairs.jsonl"
    report = download_pairs(DownloadConfig(out=out.uri), load=Hub())
    assert (report.out, out.read_bytes().count(b"\n")) == (str(out), 100)
    assert [name for name, _ in Location(s3_uri("download")).children()] == ["pairs.jsonl"]


def test_the_default_output_lies_below_the_base_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NANOCHAT_BASE_DIR", "/base")
    assert default_output() == "/base/data/pairs_all.jsonl" == DownloadConfig().out
    monkeypatch.delenv("NANOCHAT_BASE_DIR")
    assert re.fullmatch(r"/.*/\.cache/nanochat/data/pairs_all\.jsonl", default_output())


def test_a_local_folder_stands_in_for_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    mirror = tmp_path / "mirror"
    for (dataset, split), rows in DATA.items():
        folder = mirror / dataset / ("harmless-base" if "hh" in dataset else "data")
        folder.mkdir(parents=True, exist_ok=True)
        if "hh" in dataset:
            (folder / f"{split}.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
        else:
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}-00000-of-00001.parquet")
    config = DownloadConfig(out=str(tmp_path / "x.jsonl"), source_dir=str(mirror))
    report = download_pairs(config, load=load_streaming)
    assert (report.pairs, report.dropped) == (100, {})
    download(tmp_path / "y.jsonl")
    assert (tmp_path / "x.jsonl").read_bytes() == (tmp_path / "y.jsonl").read_bytes()
    assert [row["chosen"] for row in load_streaming(f"{mirror}/Anthropic/hh-rlhf", "test", 8)] == [
        row["chosen"] for row in DATA["Anthropic/hh-rlhf", "test"][8:]
    ]
    with pytest.raises(InputError, match="Cannot read the split train of /nowhere/Anthropic/hh-rlhf"):
        download_pairs(DownloadConfig(str(tmp_path / "z.jsonl"), source_dir="/nowhere"))
