"""Messages come back as they were sent, for any content; bytes from anyone are refused with a reason, never a crash."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kat_ray.errors import InputError
from kat_ray.snapshot import wire
from kat_ray.snapshot.weight_table import Lookup, WeightTable

IDS = st.text("0123456789abcdef", min_size=16, max_size=16)
KEYS = st.integers(0, 2**64 - 1)
FLOATS = st.floats(allow_nan=True, width=64)
DECODERS = (wire.decode_ids, wire.decode_lookup, wire.decode_draw)


def _stream(table: pa.Table, **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _table(keys: np.ndarray) -> WeightTable:
    weights = np.arange(1, len(keys) + 1, dtype=np.float64)
    return WeightTable("ab" * 8, keys, weights / weights.sum(), np.linspace(0, 1, len(keys)), {})


EXAMPLES = [
    wire.encode_ids(["0" * 16, "no id"]),
    wire.encode_lookup("ab" * 8, _table(np.arange(3, dtype=np.uint64)).lookup(["0" * 16]), np.ones(1)),
    wire.encode_draw(_table(np.arange(3, dtype=np.uint64)).draw(4)),
]


@given(ids=st.lists(IDS | st.text(max_size=18), max_size=30))
def test_ids_come_back_as_their_keys_and_other_texts_as_nulls(ids):
    sent = wire.decode_ids(wire.encode_ids(ids))
    assert sent.to_pylist() == [int(text, 16) if _is_id(text) else None for text in ids]
    as_strings = _stream(pa.table({"id": pa.array(ids, pa.string())})) if _all_unicode(ids) else wire.encode_ids(ids)
    assert wire.decode_ids(as_strings).equals(sent)


def _is_id(text: str) -> bool:
    return len(text) == 16 and set(text) <= set("0123456789abcdef")


def _all_unicode(texts: list[str]) -> bool:
    return all(character < "\ud800" or character > "\udfff" for text in texts for character in text)


def test_ids_in_several_batches_and_as_large_strings_are_one_list():
    ids = ["0" * 15 + digit for digit in "0123456789abcdef"]
    table = pa.concat_tables([pa.table({"id": pa.array(ids[:7], pa.large_string())})] * 2)
    assert wire.decode_ids(_stream(table)).to_pylist() == [*range(7), *range(7)]
    assert wire.decode_ids(_stream(pa.table({"key": pa.array([], pa.uint64())}))).to_pylist() == []


def test_decoded_ids_can_be_looked_up_as_they_are():
    table = _table(np.array([5, 9, 7], np.uint64))
    asked = wire.decode_ids(wire.encode_ids(["0" * 15 + "7", "nothing", "0" * 15 + "5", "f" * 16]))
    assert table.lookup(asked).rows.tolist() == [2, -1, 0, -1]


@given(columns=arrays(np.float64, st.tuples(st.just(3), st.integers(0, 20)), elements=FLOATS), name=KEYS)
def test_lookups_come_back_bit_for_bit(columns, name):
    present = columns[0] > 0
    lookup = Lookup(np.zeros(len(present), np.int64), present, columns[0], columns[1])
    answer = wire.decode_lookup(wire.encode_lookup(f"{name:016x}", lookup, columns[2]))
    assert answer.snapshot_id == f"{name:016x}"
    np.testing.assert_array_equal(answer.present, present)
    for sent, got in zip(columns, (answer.weights, answer.density_percentile, answer.loss_weights), strict=True):
        np.testing.assert_array_equal(got.view(np.uint64), sent.view(np.uint64))


@given(keys=st.lists(KEYS, min_size=1, max_size=20, unique=True), n=st.integers(0, 40), seed=KEYS)
def test_draws_come_back_with_their_ids(keys, n, seed):
    drawn = _table(np.array(keys, np.uint64)).draw(n, seed=seed)
    answer = wire.decode_draw(wire.encode_draw(drawn))
    assert answer.snapshot_id == "ab" * 8
    assert answer.ids.equals(drawn.ids)
    np.testing.assert_array_equal(answer.probabilities, drawn.probabilities)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(
    message=st.sampled_from(EXAMPLES),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
    cut=st.none() | st.integers(0, 2000),
    end=st.binary(max_size=40),
)
def test_altered_bytes_are_decoded_or_refused_and_nothing_else(message, changes, cut, end):
    altered = bytearray(message[:cut])
    for place, value in changes:
        if altered:
            altered[place % len(altered)] = value
    for decode in DECODERS:
        with suppress(InputError):
            decode(bytes(altered) + end)


@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(data):
    for decode in DECODERS:
        with pytest.raises(InputError, match="Arrow IPC stream"):
            decode(data)


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_a_compressed_message_is_refused_before_it_is_expanded(codec):
    bomb = _stream(pa.table({"key": np.zeros(20_000_000, np.uint64)}), compression=codec)
    assert len(bomb) < 1_000_000
    before = pa.total_allocated_bytes()
    with pytest.raises(InputError, match="compressed"):
        wire.decode_ids(bomb)
    assert pa.total_allocated_bytes() == before


def test_the_old_place_of_compression_and_dictionaries_are_refused():
    batch = pa.record_batch({"key": np.zeros(3, np.uint64)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch, custom_metadata={"ARROW:experimental_compression": "zstd"})
    with pytest.raises(InputError, match="compressed"):
        wire.decode_ids(sink.getvalue().to_pybytes())
    with pytest.raises(InputError, match="dictionaries"):
        wire.decode_ids(_stream(pa.table({"id": pa.array(["0" * 16] * 3).dictionary_encode()})))


@pytest.mark.parametrize(
    "columns",
    [{}, {"key": pa.array([1])}, {"id": pa.array([b"0" * 16])}, {"key": pa.array([1], pa.uint64()), "id": ["a"]}],
)
def test_ids_in_other_columns_are_refused_by_their_names_and_types(columns):
    with pytest.raises(InputError, match="expected one column, key: uint64 or id: string"):
        wire.decode_ids(_stream(pa.table(columns)))


def test_an_answer_of_another_kind_with_nulls_or_without_a_snapshot_is_refused():
    with pytest.raises(InputError, match="message of a lookup has key: uint64, probability"):
        wire.decode_lookup(EXAMPLES[2])
    columns = {"key": pa.array([1, None], pa.uint64()), "probability": [0.5, 0.5]}
    with pytest.raises(InputError, match="without nulls"):
        wire.decode_draw(_stream(pa.table(columns, metadata={"snapshot_id": "ab" * 8})))
    columns = {"key": pa.array([1], pa.uint64()), "probability": [0.5]}
    for name in ("", "../../etc/passwd", "+" + "1" * 15, b"\xff" * 16):
        with pytest.raises(InputError, match="expected 16 hex digits"):
            wire.decode_draw(_stream(pa.table(columns, metadata={"snapshot_id": name})))
    with pytest.raises(InputError, match="expected 16 hex digits"):
        wire.decode_draw(_stream(pa.table(columns)))
