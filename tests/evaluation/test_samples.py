"""Rows of many forms say the same, and joining them loses no judgment."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kat_ray.errors import RowError
from kat_ray.evaluation.samples import Sample, collect, parse_sample

SAMPLE = Sample("q", ("a", "b"), ("x",))
TEXTS = st.text(alphabet="abcd", min_size=1, max_size=2)
SAMPLES = st.builds(Sample, TEXTS, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), st.lists(TEXTS).map(tuple))


@pytest.mark.parametrize(
    "row",
    [
        {"query": "q", "pos": ["a", "b"], "hard_neg": "x"},
        {"query": " q\n", "pos": ["a ", "\tb"], "neg": ["x"], "score": float("nan")},
        {"anchor": "q", "positive": ["a", "b"], "negative": "x"},
        {"question": "q", "answer": ["a", "b"], "hard_neg": ["x"], "neg": None},
        {"query": "q", "anchor": "other", "pos": ["a", "b"], "answer": "c", "hard_neg": "", "neg": [], "negative": "x"},
        {"query": " ", "anchor": "q", "pos": "", "positive": [None, "\n"], "answer": ["a", "b"], "neg": "x"},
        {"query": "q", "pos": ["a", "b"], "hard_neg": " ", "neg": ["", None, "x", "\t"], "negative": [" "]},
    ],
)
def test_names_and_forms_of_rows_say_the_same(row):
    assert parse_sample(row) == SAMPLE


def test_one_positive_and_no_hard_negative_are_enough():
    assert parse_sample({"query": "q", "pos": "a"}) == Sample("q", ("a",), ())


def test_a_blank_positive_among_others_is_left_out_and_counted():
    assert parse_sample({"query": "q", "pos": ["a", " ", None]}) == Sample("q", ("a",), (), num_blank=2)
    assert collect([(1, Sample("q", ("a",), (), 2)), (2, Sample("p", ("a",), (), 1))]).evaluation_set.num_blank == 3
    assert collect([(1, SAMPLE), (2, Sample("p", ("a",), (), 1))], max_samples=1).evaluation_set.num_blank == 0


def test_all_names_of_hard_negatives_count():
    assert parse_sample({"query": "q", "pos": "a", "hard_neg": "x", "neg": ["y", "z"]}).hard_negatives == (
        "x",
        "y",
        "z",
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["q", "a"], "the row is no object with a query and its positives"),
        ({}, r"there is no query \(nor anchor or question\)"),
        ({"text": "q", "pos": "a"}, r"there is no query \(nor anchor or question\)"),
        ({"query": None, "pos": "a"}, r"there is no query \(nor anchor or question\)"),
        ({"query": "q"}, r"there is no pos \(nor positive or answer\)"),
        ({"query": "q", "positive": None}, r"there is no pos \(nor positive or answer\)"),
        ({"query": " \n", "pos": "a"}, "query is empty"),
        ({"anchor": 5, "pos": "a"}, "anchor is not a text"),
        ({"query": ["q"], "pos": "a"}, "query is not a text"),
        ({"query": "q", "pos": []}, "pos is empty"),
        ({"query": "q", "pos": ["", None, " "]}, "pos is empty"),
        ({"query": "q", "positive": " ", "answer": []}, "positive is empty"),
        ({"query": "q", "pos": {"text": "a"}}, "pos is neither a text nor a list of texts"),
        ({"query": "q", "pos": ["a", 5]}, "pos is neither a text nor a list of texts"),
        ({"query": "q", "pos": "a", "neg": [["x"]]}, "neg is neither a text nor a list of texts"),
    ],
)
def test_a_row_that_cannot_be_used_says_why_in_words_that_count_together(row, reason):
    with pytest.raises(RowError, match=f"^{reason}$"):
        parse_sample(row)


def test_equal_queries_are_one_with_all_their_positives_and_equal_documents_are_one():
    rows = [("p", ("a",), ()), ("q", ("b", "a"), ("x",)), ("p", ("c", "a"), ("x", "b"))]
    found = collect((number, Sample(*row)) for number, row in enumerate(rows, 1)).evaluation_set
    assert found.queries == ("p", "q")
    assert found.documents == ("a", "b", "x", "c")
    assert [found.relevance.relevant_to(query).tolist() for query in range(2)] == [[0, 3], [1, 0]]
    assert [found.relevance.hard_for(query).tolist() for query in range(2)] == [[2, 1], [2]]


def test_a_hard_negative_that_is_also_a_positive_is_a_positive_and_told():
    rows = [(1, Sample("q", ("a",), ("b", "a"))), (2, Sample("q", ("b",), ("c",)))]
    found = collect(rows).evaluation_set
    assert found.relevance.relevant_to(0).tolist() == [0, 1]
    assert found.relevance.hard_for(0).tolist() == [2]
    assert found.contradictions == 2


def test_reasons_become_rejects_and_without_a_sample_there_is_no_set():
    found = collect([(1, SAMPLE), (4, "too bad")])
    assert [tuple(reject) for reject in found.evaluation_set.first_rejects] == [(4, "too bad")]
    assert found.evaluation_set.num_rows == 2
    assert collect([(4, "too bad")]) == (None, found.rejects)


def test_no_more_is_held_of_rejects_than_their_reasons_and_the_first_rows():
    rows = ((number, "".join(("too ", "bad"))) for number in range(1, 100_000))  # a text of its own for each
    tracemalloc.start()
    found = collect(chain([(0, SAMPLE)], rows)).evaluation_set
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.rejects == {"too bad": 99_999}
    assert [row for row, _ in found.first_rejects] == list(range(1, 11))
    assert peak < 1 << 20


def test_the_first_queries_count_with_the_judgments_of_all_rows():
    rows = [("p", "a"), ("q", "b"), ("r", "c"), ("p", "b"), ("s", "d")]
    samples = [(number, Sample(query, (text,), ("x",))) for number, (query, text) in enumerate(rows, 1)]
    found = collect([*samples, (6, "bad"), (7, Sample("q", ("b",), ("late",)))], max_samples=2).evaluation_set
    assert found.queries == ("p", "q")
    assert found.documents == ("a", "x", "b", "late")
    assert [found.relevance.relevant_to(query).tolist() for query in range(2)] == [[0, 2], [2]]
    assert [found.relevance.hard_for(query).tolist() for query in range(2)] == [[1], [1, 3]]
    assert [tuple(reject) for reject in found.first_rejects] == [(6, "bad")]
    assert found.num_rows == 7


def test_of_rows_that_do_not_count_nothing_is_held():
    def rows():
        yield 1, SAMPLE
        for number in range(2, 20_000):
            yield number, Sample(f"other {number}", ("long " * 1000,), ())

    tracemalloc.start()
    found = collect(rows(), max_samples=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.evaluation_set.num_rows == 19_999
    assert peak < 1 << 20


@given(st.lists(SAMPLES, min_size=1, max_size=12), st.integers(1, 4))
def test_fewer_queries_are_judged_as_all_are(samples, max_samples):
    whole, few = (collect(enumerate(samples, 1), limit).evaluation_set for limit in (None, max_samples))
    assert few.queries == whole.queries[:max_samples]
    for query in range(len(few.queries)):
        for rows in ("relevant_to", "hard_for"):
            judged = [[one.documents[row] for row in getattr(one.relevance, rows)(query)] for one in (whole, few)]
            assert judged[0] == judged[1]


@given(st.lists(SAMPLES, min_size=1, max_size=12))
def test_no_judgment_is_lost_or_made_up(samples):
    found = collect(enumerate(samples, 1)).evaluation_set
    assert len(set(found.queries)) == len(found.queries)
    assert len(set(found.documents)) == len(found.documents)
    for query, text in enumerate(found.queries):
        same = [sample for sample in samples if sample.query == text]
        positives = [found.documents[row] for row in found.relevance.relevant_to(query)]
        hard = {found.documents[row] for row in found.relevance.hard_for(query)}
        assert positives[0] == same[0].positives[0]
        assert Counter(positives) == Counter({text for sample in same for text in sample.positives})
        assert hard == {text for sample in same for text in sample.hard_negatives} - set(positives)
