"""The page as a file: what stands in it and in which order, and that texts and sizes of any kind leave it whole."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest

from kat_ray.errors import InputError, ResourceError
from kat_ray.evaluation.comparison import compare
from kat_ray.evaluation.maps import Maps
from kat_ray.evaluation.page import write_page
from kat_ray.evaluation.page_data import page_json
from kat_ray.evaluation.relevance import Relevance
from tests.evaluation.evaluations import HOSTILE, evaluated, maps_of, named


class Read(HTMLParser):
    """Tags, addresses, text outside of scripts, and the data of a page."""

    def __init__(self, path) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.policy = ""
        self._data, self._words, self._inside = "", [], ""
        self.feed(path.read_text("utf-8"))
        self.text = " ".join(" ".join(self._words).split())
        self.data = json.loads(self._data)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        given = dict(attrs)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "srcset")]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        self._inside = "data" if given.get("id") == "data" else tag

    def handle_data(self, data):
        if self._inside == "data":
            self._data += data
        elif self._inside not in ("script", "style"):
            self._words.append(data)

    def handle_endtag(self, tag):
        self._inside = ""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "page.html"


def test_verdict_then_checklist_then_advice_then_plots_then_the_worst(chance, path):
    write_page(path, [evaluated(chance, texts=named(chance.relevance))])
    text = Read(path).text
    heads = ["60 queries, 60 documents", "✗ Not ready", "Checklist", "What to do", "Plots", "Worst queries"]
    places = [text.index(head) for head in heads]
    assert places == sorted(places)


def test_each_item_has_its_value_its_interval_and_its_result(planted, path):
    one = evaluated(planted)
    write_page(path, [one])
    text = Read(path).text
    for item in one.report.judgment.items:
        assert item.title in text
        form = ".0%" if item.name in ("clustering", "rank1_share") else "g"
        assert f"{item.relation} {item.threshold:{form}}" in text
    measures = one.report.measures
    assert f"{measures['margin'].value:.3f} {measures['margin'].low:.3f} to {measures['margin'].high:.3f}" in text
    assert all(name in text for name in measures)
    assert text.count("✓ pass") == sum(item.passed is True for item in one.report.judgment.items)


def test_the_page_asks_nobody_for_anything_and_forbids_it(planted, path):
    write_page(path, [evaluated(planted)])
    read = Read(path)
    assert read.addresses == []
    assert read.policy.startswith("default-src 'none';")
    assert "connect-src" not in read.policy
    assert "http" not in read.policy


def test_hostile_texts_add_no_element_and_are_there_as_text(chance, path, tmp_path):
    write_page(tmp_path / "plain.html", [evaluated(chance, texts=named(chance.relevance))])
    write_page(path, [evaluated(chance, name=HOSTILE[1], texts=named(chance.relevance, HOSTILE))], title=HOSTILE[2])
    plain, hostile = Read(tmp_path / "plain.html"), Read(path)
    assert hostile.tags == plain.tags
    assert hostile.addresses == []
    assert HOSTILE[0] in hostile.text
    assert f"query 1: {HOSTILE[1]}" in hostile.data["texts"]
    assert hostile.data["evaluations"][0]["name"] == HOSTILE[1]
    assert "{title}" in hostile.text
    assert max(map(len, hostile.data["texts"])) <= 280


def test_data_are_plain_ascii_that_no_script_element_ends_in(chance):
    data = page_json([evaluated(chance, texts=named(chance.relevance, HOSTILE))])
    assert data.isascii()
    assert not set("<>&\n") & set(data)


def test_the_plots_are_given_what_the_scores_say(several):
    found = several(4)
    one = evaluated(found, texts=named(found.relevance))
    data = json.loads(page_json([one]))
    shown, scores = data["evaluations"][0], one.report.scores
    assert shown["rows"] == list(range(40))
    assert [data["texts"][number] for number in shown["queries"]] == list(one.report.texts.queries)
    for place in (0, 17):
        documents = [data["texts"][shown["documents"][number]] for number in shown["top"][place]]
        assert documents == [one.report.texts.documents[row] for row in scores.top_rows[place]]
        right = [row in found.relevance.relevant_to(place) for row in scores.top_rows[place]]
        assert [bool(flag) for flag in shown["topRight"][place]] == right
        own = one.report.texts.documents[found.relevance.own_rows[place]]
        assert data["texts"][shown["documents"][shown["own"][place]]] == own
    np.testing.assert_allclose(shown["similarity"], scores.own_similarities, atol=1e-4)
    np.testing.assert_allclose(shown["maps"]["tsne"]["queries"], one.maps.tsne.points[:40].T, atol=1e-4)
    x, y = shown["maps"]["umap"]["documents"]
    place = shown["own"][3]
    np.testing.assert_allclose([x[place], y[place]], one.maps.umap.points[40 + found.relevance.own_rows[3]], atol=1e-4)


def test_of_many_queries_some_are_shown_and_all_that_a_plot_needs():
    random = np.random.default_rng(0)
    queries, documents = (random.normal(size=(rows, 8)).astype(np.float32) for rows in (3000, 5000))
    relevance = Relevance.of([[row] for row in range(3000)], num_documents=5000)
    shown = json.loads(page_json([evaluated((queries, documents, relevance))]))["evaluations"][0]
    assert 1000 <= len(shown["rows"]) <= 1060
    assert shown["rows"][:50] == list(range(50))
    assert len(shown["maps"]["tsne"]["documents"][0]) <= 2060
    assert max(map(max, shown["top"])) < len(shown["documents"])
    assert all(own < len(shown["maps"]["tsne"]["documents"][0]) for own in shown["own"])


def test_encoders_share_the_texts_of_their_set(planted, chance):
    texts = named(planted.relevance)
    one = json.loads(page_json([evaluated(planted, texts=texts)]))
    two = json.loads(page_json([evaluated(planted, texts=texts), evaluated(chance, texts=texts)]))
    assert len(one["texts"]) == len(two["texts"]) == 120


def test_several_encoders_stand_side_by_side_with_their_differences(planted, chance, path):
    both = [evaluated(planted, "first"), evaluated(chance, "second")]
    scores = [one.report.scores for one in both]
    comparison = compare(scores[1], scores[0], planted.relevance, resamples=50)
    write_page(path, both, [comparison])
    read = Read(path)
    margin = comparison.differences["margin"]
    assert read.tags["input"] == 2
    assert f"−{-margin.value:.4f}* (−{-margin.low:.4f} to −{-margin.high:.4f})" in read.text
    assert f"queries worse {comparison.worse}" in re.sub(r"\s+", " ", read.text)
    assert not re.search(r"[-−]0\.0*(?!\d)", read.text)


@pytest.mark.parametrize("num_rows", [1, 2, 5])
def test_small_sets_and_missing_maps_and_texts_have_a_page(chance, path, num_rows):
    relevance = Relevance.diagonal(num_rows)
    few = evaluated((chance.queries[:num_rows], chance.documents[:num_rows], relevance), maps=Maps(None, None))
    write_page(path, [few])
    read = Read(path)
    assert read.data["evaluations"][0]["maps"] == {"tsne": None, "umap": None}
    assert "? undecided" in read.text
    assert "no map was drawn" in read.text
    assert "nan" not in read.text.lower()


def test_equal_vectors_have_a_page(collapsed, path):
    write_page(path, [evaluated(collapsed, maps=maps_of(collapsed, *np.zeros((2, 120, 2), np.float32)))])
    assert "✗ Not ready" in Read(path).text


def test_a_page_of_nothing_or_with_comparisons_of_others_is_refused(planted, path):
    one = evaluated(planted)
    with pytest.raises(InputError, match="at least one evaluation"):
        write_page(path, [])
    comparison = compare(one.report.scores, one.report.scores, planted.relevance, resamples=2)
    with pytest.raises(InputError, match="2 comparisons for 2 encoders, expected 1"):
        write_page(path, [one, one], [comparison] * 2)
    assert not path.exists()


def test_without_plotly_the_page_says_what_to_install(planted, path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(ResourceError, match=r"plotly.offline, which is not installed; install the jobs extra"):
        write_page(path, [evaluated(planted)])
