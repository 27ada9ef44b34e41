"""A reader accounts for every row, and no bytes make it fail or grow."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from kat_ray.pairs import lines
from kat_ray.pairs.keys import prompt_key
from kat_ray.pairs.reader import SplitReader
from kat_ray.pairs.splits import plan_splits
from kat_ray.records import Pair
from kat_ray.storage import Location

GOOD = b'{"prompt": "Hi"}'


def read(path: Path | str, split_bytes: int = 64 << 20) -> list[tuple[int, str]]:
    """True line numbers with "ok <prompt>" or the reason, over all splits of one file."""
    found, before = [], 0
    for split in plan_splits([str(path)], split_bytes=split_bytes):
        reader = SplitReader(split, "own")
        found += [(before + line, outcome) for line, outcome in reader]
        before += reader.num_lines
    return [(line, f"ok {out.messages[0].content}" if isinstance(out, Pair) else out) for line, out in found]


def read_bytes(folder: Path, data: bytes, name: str = "x.jsonl") -> list[tuple[int, str]]:
    (folder / name).write_bytes(data)
    return read(folder / name)


def test_every_row_has_its_true_line_and_blank_lines_are_no_rows(tmp_path: Path) -> None:
    data = b"\n" + GOOD + b"\r\n \t\n\r\n{broken\n\n\n" + GOOD
    assert read_bytes(tmp_path, data) == [
        (2, "ok Hi"),
        (5, "not valid JSON: unexpected character, expected a string key"),
        (8, "ok Hi"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"prompt": "a', "not valid JSON: unexpected end of data"),
        (b'{"prompt": NaN}', "not valid JSON: unexpected character"),
        (b'{"prompt": "Hi", "chosen": Infinity}', "not valid JSON: unexpected character"),
        (b'{"prompt": "a"} {"prompt": "b"}', "not valid JSON: unexpected content after document"),
        (b'{"prompt": "\xff\xfe"}', "not valid UTF-8"),
        (b'{"prompt": "\xed\xa0\x80"}', "not valid UTF-8"),
        (b'{"prompt": "\\ud800"}', "a lone surrogate"),
        (b'{"prompt": "\\udc00 x"}', "a lone surrogate"),
        (b"[" * 100_000, "not valid JSON: depth limit exceeded"),
        (b'{"prompt":' * 5_000 + b"1" + b"}" * 5_000, "not valid JSON: depth limit exceeded"),
        (b"\x00" * 50, "not valid JSON"),
        (b"null", "the row is null"),
        (b"[]", "the row is a list"),
        (b'"text"', "the row is a string"),
        (b"1e400", "not valid JSON"),
        (b'{"prompt": ""}', "the first user message is empty"),
        (b'{"prompt": 1}', "prompt is a number"),
    ],
)
def test_a_bad_line_is_one_reason_and_its_neighbors_are_read(tmp_path: Path, line: bytes, reason: str) -> None:
    first, bad, last = read_bytes(tmp_path, GOOD + b"\n" + line + b"\n" + GOOD + b"\n")
    assert (first, last) == ((1, "ok Hi"), (3, "ok Hi"))
    assert bad[0] == 2
    assert bad[1].startswith(reason)


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    rows = [{"prompt": f"a{mark}b"} for mark in ("\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r")]
    data = b"\n".join(orjson.dumps(row) for row in rows)
    assert read_bytes(tmp_path, data) == [(n, f"ok {row['prompt']}") for n, row in enumerate(rows, 1)]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    bom = b"\xef\xbb\xbf"
    assert read_bytes(tmp_path, bom + GOOD) == [(1, "ok Hi")]
    assert read_bytes(tmp_path, gzip.compress(bom + GOOD), "x.jsonl.gz") == [(1, "ok Hi")]
    assert read_bytes(tmp_path, bom + b"\n" + GOOD) == [(2, "ok Hi")]
    reasons = read_bytes(tmp_path, GOOD.decode().encode("utf-16"))
    assert reasons == [(1, "the file is UTF-16, expected UTF-8; the rest of the file was not read")]


def test_any_split_gives_the_same_rows_and_lines(tmp_path: Path) -> None:
    rng = random.Random(3)
    parts = [b"", b"\n", GOOD, b"{bad", b"\r", b" ", GOOD * 0 + b'{"prompt": "' + b"x" * 70 + b'"}']
    for _ in range(30):
        data = b"\n".join(rng.choices(parts, k=rng.randrange(1, 30)))
        (tmp_path / "x.jsonl").write_bytes(data or b"\n")
        whole = read(tmp_path / "x.jsonl")
        for split_bytes in (1, 2, 7, 33, 100):
            assert read(tmp_path / "x.jsonl", split_bytes) == whole, (data, split_bytes)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_no_bytes_make_a_reader_fail(tmp_path: Path, data: bytes) -> None:
    for name in ("x.jsonl", "x.jsonl.gz", "x.parquet"):
        (tmp_path / name).write_bytes(b"\n" + data)
        found = read(tmp_path / name)
        if name == "x.jsonl":
            rows = [line for line in data.split(b"\n") if line and not line.isspace()]
            assert len(found) == len(rows)


def test_a_line_that_goes_over_many_splits_is_read_once(tmp_path: Path) -> None:
    long = orjson.dumps({"prompt": "y" * (3 << 20)})
    (tmp_path / "x.jsonl").write_bytes(GOOD + b"\n" + long + b"\n" + GOOD)
    found = read(tmp_path / "x.jsonl", 1 << 20)
    assert [(line, len(outcome)) for line, outcome in found] == [(1, 5), (2, 3 + (3 << 20)), (3, 5)]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_line_of_100_mb_is_one_reason_and_is_never_held(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / ("x.jsonl.gz" if zipped else "x.jsonl")
    with gzip.open(path, "wb", compresslevel=0) if zipped else path.open("wb") as stream:
        stream.write(GOOD + b'\n{"prompt": "')
        noise = random.Random(1).randbytes(1 << 20).replace(b"\n", b"")
        for _ in range(100):
            stream.write(noise)
        stream.write(b'"}\n' + GOOD)
    tracemalloc.start()
    found = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(1, "ok Hi"), (2, "the line is longer than 8 MiB"), (3, "ok Hi")]
    assert peak < 40 << 20


def bomb(path: Path, unit: bytes, num_bytes: int) -> Path:
    block = unit * (len(GOOD) * 4096 // len(unit))
    with gzip.open(path, "wb", compresslevel=9) as stream:
        stream.write(GOOD + b"\n")
        for _ in range(num_bytes // len(block)):
            stream.write(block)
    return path


@pytest.mark.parametrize("unit", [b"\n", b"\x00", b" ", b"\r\n"])
def test_an_expansion_bomb_stops_the_file_with_one_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: bytes
) -> None:
    monkeypatch.setattr(lines, "_MAX_EXPANDED_BYTES", 24 << 20)
    found = read(bomb(tmp_path / "x.jsonl.gz", unit, 48 << 20))
    assert found[0] == (1, "ok Hi")
    assert [outcome for _, outcome in found[1:]] == [
        "the gzip data expand more than 200 times; the rest of the file was not read"
    ]


def test_a_bomb_without_any_pair_stops_earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_MAX_EXPANDED_BYTES_WITHOUT_ROWS", 1 << 20)
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * (2 << 20)))
    found = read(tmp_path / "x.jsonl.gz")
    assert len(found) < 1 << 20
    assert "expand more than" in found[-1][1]


def test_many_equal_rows_are_no_bomb(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress((GOOD + b"\n") * 100_000))
    assert len(read(tmp_path / "x.jsonl.gz")) == 100_000


def test_members_of_a_gzip_file_follow_each_other(tmp_path: Path) -> None:
    half = len(GOOD) // 2
    data = gzip.compress(GOOD + b"\n" + GOOD[:half]) + gzip.compress(GOOD[half:]) + gzip.compress(b"\n" + GOOD)
    assert read_bytes(tmp_path, data + b"\x00" * 100, "x.gz") == [(1, "ok Hi"), (2, "ok Hi"), (3, "ok Hi")]


def test_a_damaged_gzip_file_gives_its_head_and_one_reason(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = b"".join(orjson.dumps({"prompt": f"{rng.random()}"}) + b"\n" for _ in range(100_000))
    whole = gzip.compress(rows)
    middle = len(whole) // 2
    damaged = {
        "cut": (whole[:middle], "the gzip data end early"),
        "garbage behind": (whole + b"garbage", "the gzip data are damaged"),
        "wrong checksum": (whole[:-8] + b"\x00" * 8, "the gzip data are damaged"),
    }
    for name, (data, reason) in damaged.items():
        found = read_bytes(tmp_path, data, "x.jsonl.gz")
        assert found[-1][1].startswith(reason), name
        good = [outcome for _, outcome in found if outcome.startswith("ok")]
        assert len(good) > 10_000, name
        assert len(found) - len(good) == 1, name
        assert [line for line, _ in found] == list(range(1, len(found) + 1)), name
    altered = read_bytes(tmp_path, whole[:middle] + b"\x00" * 50 + whole[middle + 50 :], "x.jsonl.gz")
    assert len([outcome for _, outcome in altered[:40_000] if outcome.startswith("ok")]) == 40_000
    assert altered[-1][1].startswith("the gzip data are damaged")


def test_a_plain_file_called_gz_is_one_reason(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, GOOD, "x.jsonl.gz") == [
        (1, "the gzip data are damaged; the rest of the file was not read")
    ]


def write_table(path: Path, columns: dict[str, pa.Array], group: int = 2) -> list[tuple[int, str]]:
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return read(path, split_bytes=1)


MESSAGE = pa.struct({"role": pa.string(), "content": pa.string()})


def test_parquet_rows_of_every_form_are_read(tmp_path: Path) -> None:
    user, reply = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}
    prefix = pa.array([{"messages": [user]}, None], pa.struct({"messages": pa.list_(MESSAGE)}))
    prompt = pa.array([None, "Ho"], pa.large_string())
    replies = pa.array([[user, reply], None], pa.list_(MESSAGE))
    assert write_table(tmp_path / "a.parquet", {"prefix": prefix, "prompt": prompt}) == [(1, "ok Hi"), (2, "ok Ho")]
    found = write_table(tmp_path / "b.parquet", {"prompt": pa.array(["Hi", "Ho"]), "chosen": replies})
    assert found == [(1, "ok Hi"), (2, "ok Ho")]


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.array([1, 2, 3]), "prompt is a number"),
        (pa.array([float("nan"), 1.0, 2.0]), "prompt is a number"),
        (pa.array([None, None, None], pa.null()), "there is no prefix, no prompt"),
        (pa.array([b"Hi", b"\xff", b""], pa.binary()), "prompt is binary data"),
        (pa.array([0, 1, 2], pa.timestamp("ns")), "prompt is"),
        (pa.array([["Hi"], ["Ho"], [None]]), "prompt holds"),
        (pa.array([[{"role": "user", "content": None}]] * 3, pa.list_(MESSAGE)), "prompt holds a content that is null"),
        (pa.array([[None]] * 3, pa.list_(MESSAGE)), "prompt holds null"),
        (pa.array(["Hi", "Hi", "Hi"]).dictionary_encode(), "ok Hi"),
    ],
)
def test_columns_of_any_type_give_one_outcome_a_row(tmp_path: Path, column: pa.Array, reason: str) -> None:
    found = write_table(tmp_path / "x.parquet", {"prompt": column})
    assert [line for line, _ in found] == [1, 2, 3]
    assert all(outcome.startswith(reason) for _, outcome in found), found


def test_a_table_without_our_columns_rejects_every_row(tmp_path: Path) -> None:
    found = write_table(tmp_path / "x.parquet", {"instruction": pa.array(["a", "b", "c"])})
    assert found == [(n, "there is no prefix, no prompt and no reply that holds one") for n in (1, 2, 3)]


def test_invalid_utf8_in_parquet_costs_its_row_only(tmp_path: Path) -> None:
    raw = pa.array([b"Hi", b"\xff\xfe", b"Ho"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    assert write_table(tmp_path / "x.parquet", {"prompt": text}, 3) == [
        (1, "ok Hi"),
        (2, "not valid UTF-8"),
        (3, "ok Ho"),
    ]


def test_a_parquet_row_of_more_than_8_mib_costs_its_row_only(tmp_path: Path) -> None:
    found = write_table(tmp_path / "x.parquet", {"prompt": pa.array(["Hi", "x" * (9 << 20), "Ho"])}, 3)
    assert found == [(1, "ok Hi"), (2, "the row is longer than 8 MiB"), (3, "ok Ho")]


def test_damaged_parquet_is_one_reason_and_later_lines_keep_their_numbers(tmp_path: Path) -> None:
    rows = pa.array([f"{n} " * 500 for n in range(40)])
    pq.write_table(pa.table({"prompt": rows}), tmp_path / "x.parquet", row_group_size=10, compression="none")
    data = bytearray((tmp_path / "x.parquet").read_bytes())
    start = pq.ParquetFile(tmp_path / "x.parquet").metadata.row_group(1).column(0).dictionary_page_offset
    data[start : start + 40] = b"\xff" * 40
    (tmp_path / "x.parquet").write_bytes(bytes(data))
    found = read(tmp_path / "x.parquet", split_bytes=1)
    assert [line for line, _ in found] == [*range(1, 12), *range(21, 41)]
    assert found[10][1].startswith("the Parquet data are damaged")
    (tmp_path / "y.parquet").write_bytes(b"PAR1" + bytes(200) + b"PAR1")
    assert [line for line, _ in read(tmp_path / "y.parquet")] == [1]


def test_rows_of_an_object_store_are_those_of_a_disk(tmp_path: Path, s3_uri: Callable[[str], str]) -> None:
    rows = b"\n".join(orjson.dumps({"prompt": f"p{n}"}) for n in range(50))
    pq.write_table(pa.table({"prompt": [f"p{n}" for n in range(50)]}), tmp_path / "x.parquet", row_group_size=7)
    table = (tmp_path / "x.parquet").read_bytes()
    for name, data in {"x.jsonl": rows, "x.jsonl.gz": gzip.compress(rows), "x.parquet": table}.items():
        (tmp_path / name).write_bytes(data)
        remote = Location(s3_uri("reader")) / name
        remote.write_bytes(data)
        assert read(remote.uri, 100) == read(tmp_path / name, 100), name
        assert len(read(remote.uri)) == 50


def outcomes(path: Path) -> list[Pair | str]:
    return [outcome for split in plan_splits([str(path)]) for _, outcome in SplitReader(split, "own")]


def test_the_raw_transcripts_of_harmless_base_give_the_known_counts(real_data: Path) -> None:
    found = outcomes(real_data / "hh_raw_sample.jsonl.gz")[:2312]
    pairs = [outcome for outcome in found if isinstance(outcome, Pair)]
    assert [outcome for outcome in found if isinstance(outcome, str)] == ["a transcript ends with an empty reply"] * 4
    assert len(pairs) == 2308
    assert len({prompt_key(pair, "first_user") for pair in pairs}) == 2174
    assert len({prompt_key(pair, "conversation") for pair in pairs}) == 2306


def test_real_rows_are_all_accepted(real_data: Path) -> None:
    reader = SplitReader(plan_splits([str(real_data / "pairs_real.jsonl.gz")])[0], "own")
    rejects = [outcome for _, outcome in itertools.islice(reader, 20_000) if isinstance(outcome, str)]
    assert rejects == []


def test_a_row_written_as_json_reads_as_the_same_pair(tmp_path: Path) -> None:
    row: dict[str, Any] = {"prompt": "Grüße 你好 \U0001f600 \u2028", "chosen": "a\nb", "rejected": None, "src": "s"}
    (tmp_path / "x.jsonl").write_text(json.dumps(row) + "\n" + json.dumps(row, ensure_ascii=False) + "\n")
    first, second = outcomes(tmp_path / "x.jsonl")
    assert first == second
    assert isinstance(first, Pair)
    assert (first.messages[0].content, first.chosen, first.source) == (row["prompt"].strip(), "a\nb", "s")
