from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kat_ray.errors import InputError
from kat_ray.snapshot.keys import KeyIndex, parse_keys

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
