from __future__ import annotations

import pytest

from kat_ray.snapshot.weight_table import WeightTable
from serve.services.encoders import Encoders
from serve.services.points import Points
from serve.services.prompts import Prompts
from serve.services.search import Search
from serve.services.texts import Texts
from serve.services.unseen import UnseenTexts
from tests.serve.corpus import IDS, TEXTS


@pytest.fixture
def search(snapshot) -> Search:
    texts = Texts(snapshot)
    prompts = Prompts(snapshot, WeightTable.from_snapshot(snapshot), texts, Points(snapshot, texts))
    return Search(texts, prompts, UnseenTexts(snapshot, Encoders(), "cpu"))


def test_a_substring_is_counted_in_all_and_shown_in_part(search):
    found = search.find("SOUP", "substring", 2)
    rows = [row for row, text in enumerate(TEXTS) if "soup" in text]
    assert found["total"] == len(rows)
    assert [result["id"] for result in found["results"]] == [IDS[row] for row in rows[:2]]
    assert all(result["distance"] is None for result in found["results"])
    assert found["results"][0]["preview"] == TEXTS[rows[0]]


def test_nothing_found_is_an_answer_too(search):
    assert search.find("no such words", "substring", 5) == {"mode": "substring", "total": 0, "results": []}


def test_by_meaning_the_nearest_come_first_with_their_distances(search):
    found = search.find("poem about soup, short, in winter", "meaning", 5)
    assert found["results"][0]["id"] == IDS[51]
    distances = [result["distance"] for result in found["results"]]
    assert distances == sorted(distances)
    assert found["total"] is None
