from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kat_ray.errors import InputError
from kat_ray.snapshot.keys import KeyIndex, format_keys, parse_keys

IDS = st.text("0123456789abcdef", min_size=16, max_size=16)


@given(known=st.lists(IDS, unique=True, max_size=20), asked=st.lists(IDS | st.text(max_size=20), max_size=20))
def test_rows_agree_with_a_dictionary_for_ids_and_for_any_other_text(known, asked):
    rows = {text: row for row, text in enumerate(known)}
    index = KeyIndex(parse_keys(known)[0])
    found = index.rows(*parse_keys(known + asked))
    assert found.tolist() == [rows.get(text, -1) for text in known + asked]


@pytest.mark.parametrize("text", ["0123456789ABCDEF", "0" * 15, "0" * 17, "é" * 8, "\ud800" * 5, "", "g" * 16])
def test_a_text_that_is_not_an_id_is_not_known(text):
    keys, known = parse_keys(["0" * 16, text])
    assert known.tolist() == [True, False]
    assert KeyIndex(keys[:1]).rows(keys, known).tolist() == [0, -1]


def test_slices_and_nulls_of_arrow_arrays_are_read_right():
    array = pa.array(["f" * 16, "0" * 15 + "2", None, "0" * 15 + "3"])[1:]
    keys, known = parse_keys(array)
    assert keys.tolist() == [2, 0, 3]
    assert known.tolist() == [True, False, True]


def test_the_later_of_two_equal_keys_is_found():
    assert KeyIndex(np.array([5, 3, 9, 3], np.uint64)).first_duplicate() == 3
    assert KeyIndex(np.array([5, 3, 9], np.uint64)).first_duplicate() is None


@pytest.mark.parametrize("wrong", ["0123456789abcdef", [3], ["0" * 16, 3], 7])
def test_something_other_than_texts_is_an_error(wrong):
    with pytest.raises(InputError):
        parse_keys(wrong)


@given(keys=st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_keys_and_ids_are_two_forms_of_one_thing(keys):
    ids = format_keys(np.array(keys, np.uint64))
    assert ids.type == pa.string()
    assert ids.to_pylist() == [f"{key:016x}" for key in keys]
    assert parse_keys(ids)[0].tolist() == keys


def test_keys_are_taken_as_they_are_and_nulls_are_no_ids():
    array = np.array([7, 0], np.uint64)
    assert [part.tolist() for part in parse_keys(array)] == [[7, 0], [True, True]]
    for column in (pa.array([7, None, 9], pa.uint64())[:2], pa.chunked_array([pa.array([7, None], pa.uint64())])):
        assert [part.tolist() for part in parse_keys(column)] == [[7, 0], [True, False]]


@pytest.mark.parametrize("spread", [1, 2**20, 2**44])
def test_keys_that_are_no_hashes_are_found_too(spread):
    keys = np.random.default_rng(0).permutation(5_000).astype(np.uint64) * np.uint64(spread)
    keys[17] = 2**64 - 1
    index, all_known = KeyIndex(keys), np.ones(5_000, np.bool_)
    assert index.rows(keys, all_known).tolist() == list(range(5_000))
    strangers = np.array([2**64 - 2, 2**63, 5_000 * spread + 1], np.uint64)
    assert index.rows(strangers, all_known[:3]).tolist() == [-1, -1, -1]


def test_nothing_is_known_to_an_empty_index():
    index = KeyIndex(np.empty(0, np.uint64))
    assert index.rows(np.array([0, 2**64 - 1], np.uint64), np.ones(2, np.bool_)).tolist() == [-1, -1]
    assert index.first_duplicate() is None
