"""What an evaluation leaves behind says the same in each of its forms."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kat_ray.evaluation.measures import Measure
from kat_ray.evaluation.provenance import Provenance
from kat_ray.evaluation.rarity import Rarity, RarityChange, RarityComparison
from kat_ray.evaluation.results import Results, write_results
from kat_ray.evaluation.terms import TERMS
from kat_ray.geometry.weights import WeightConfig
from kat_ray.storage import Location
from tests.evaluation.evaluations import HOSTILE, evaluated, named

RARITY = Rarity(
    50,
    100,
    10,
    WeightConfig(),
    (RarityComparison("new", "old", RarityChange(Measure(0.5, 0.4, 0.6), Measure(0.3, 0.2, 0.4))),),
)


PROVENANCE = Provenance(
    "set.jsonl", 7, {"good": "projection:/home/me/good.pt"}, ("<b>Half</b> was left out.",), "2026-01-02T03:04Z", "9.9"
)


@pytest.fixture
def both(planted, chance) -> Results:
    texts = named(planted.relevance, HOSTILE)
    return Results.of([evaluated(planted, "good", texts), evaluated(chance, "bad", texts)], PROVENANCE, RARITY)


def test_each_further_encoder_is_compared_with_the_first(both):
    numbers = both.numbers()
    assert [one["encoder"] for one in numbers["evaluations"]] == ["good", "bad"]
    (comparison,) = numbers["comparisons"]
    assert (comparison["encoder"], comparison["baseline"]) == ("bad", "good")
    values = [one["measures"]["margin"]["value"] for one in numbers["evaluations"]]
    assert comparison["differences"]["margin"]["value"] == pytest.approx(values[1] - values[0])


def test_text_numbers_and_page_are_written_and_agree(both, tmp_path: Path):
    assert write_results(Location(str(tmp_path / "out")), both) == ["index.html", "evaluation.json", "report.txt"]
    numbers = json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))
    assert numbers["rarity"]["comparisons"][0]["top_decile_overlap"]["value"] == 0.3
    text, page = ((tmp_path / "out" / name).read_text("utf-8") for name in ("report.txt", "index.html"))
    for one in numbers["evaluations"]:
        assert f"{one['encoder']}: {one['verdict'].upper()}" in text
        assert one["reason"] in page
    assert "Who is rare" in text
    section = page.partition("who is rare?")[2].partition("</section>")[0]
    told = re.sub("<[^>]*>", " ", section)  # of this section alone: the page holds megabytes of Plotly
    assert re.search(r"new +old +0\.500 +0\.400 to 0\.600 +30\.0% +20\.0% to 40\.0%", told)
    assert "bad\nagainst good" in text


def test_text_page_and_numbers_say_what_they_come_from_and_only_numbers_name_folders(both, tmp_path: Path):
    write_results(Location(str(tmp_path)), both)
    text, page, numbers = (
        (tmp_path / name).read_text("utf-8") for name in ("report.txt", "index.html", "evaluation.json")
    )
    assert text.startswith("evaluated on  set.jsonl\nmade          2026-01-02T03:04Z, KAT-Ray 9.9, seed 7\nnote ")
    assert "<p>note: &lt;b&gt;Half&lt;/b&gt; was left out.</p>" in page.replace(' class="note"', "")
    assert json.loads(numbers)["provenance"]["origins"] == {"good": "projection:/home/me/good.pt"}
    assert "/home/me" not in text + page
    for name, meaning in TERMS:
        assert name in text
        assert f"<dd>{meaning}</dd>" in page
    assert "terms" not in both.text(num_worst=0)
    assert re.search(r"^good +(not )?ready +\d/7 +1\.0000", text, re.MULTILINE)


def test_the_text_for_a_log_holds_no_text_of_the_set(both):
    assert re.search(r"query \d+: query \d+: ", both.text())
    assert not re.search(r"(query|document) \d+: ", both.text(num_worst=0))


def test_one_encoder_is_compared_with_nobody(planted, tmp_path: Path):
    results = Results.of([evaluated(planted)], PROVENANCE)
    numbers = results.numbers()
    assert (len(numbers["evaluations"]), numbers["comparisons"], numbers["rarity"]) == (1, [], None)
    assert write_results(Location(str(tmp_path)), results, has_page=False) == ["evaluation.json", "report.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evaluation.json", "report.txt"]
