"""Ways to a prompt: words, meaning, sources, density, clusters; what they leave on the map and what they say."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from kat_ray.snapshot.snapshot import Snapshot
from tests.serve.corpus import SECRET


@pytest.fixture
def results(page):
    return page.get_by_role("tabpanel", name="Explore").locator(".search .briefs button")


def _search(page, text: str) -> None:
    page.get_by_label("Search prompts").fill(text)
    page.keyboard.press("Enter")


def test_a_search_finds_what_has_the_words_and_leads_to_it(drawn, results, points):
    _search(drawn.page, "xylophone")
    expect(results).to_have_count(1)
    wanted = next(number for number, point in enumerate(points) if SECRET in point.text)
    results.hover()
    drawn.wait("hovered", wanted)
    results.click()
    drawn.wait("selected", wanted)
    expect(drawn.page.locator(".detail .turn .quoted.block")).to_have_text(points[wanted].text)
    assert "xylophone" not in drawn.page.url


def test_what_is_found_can_be_marked_all_at_once(drawn, results, points):
    _search(drawn.page, "winter")
    wanted = [point for point in points if "winter" in point.text]
    expect(results).to_have_count(len(wanted))
    drawn.page.get_by_role("button", name="Mark all on the map").click()
    drawn.wait("marked", len(wanted))
    expect(drawn.page.locator(".marked [data-point]")).to_have_count(len(wanted))


def test_a_search_without_a_result_says_what_to_try(drawn, results):
    _search(drawn.page, "nobody asked for this")
    expect(drawn.page.get_by_text("No prompt has these words")).to_be_visible()
    expect(results).to_have_count(0)


def test_similar_prompts_are_found_by_meaning(drawn, results, points, store):
    snapshot = Snapshot.open(store.location)
    drawn.click(9)
    drawn.page.get_by_role("button", name="Find similar").click()
    expect(drawn.page.get_by_label("by meaning")).to_be_checked()
    expect(drawn.page.get_by_text("nearest in meaning")).to_be_visible()
    nearest = {int(row) for row in snapshot.neighbor_indices[points[9].row, :2]}
    for point in points:
        if point.row in nearest:
            expect(results.filter(has_text=point.text.strip()[:20]).first).to_be_visible()
    expect(results.filter(has_text=points[9].text.strip())).to_have_count(0)
    expect(drawn.page.get_by_text("of them its nearest prompts")).to_be_visible()


def test_a_source_can_be_hidden_and_shown_alone(shown, points):
    legend = shown.page.get_by_role("region", name="Sources")
    picture = shown.picture()
    others = sum(point.source != "own-data" for point in points)
    legend.get_by_role("button", name="own-data", exact=False).first.click()
    shown.wait("visible", others)
    expect(shown.page.locator("#statistics-visible")).to_have_text(str(others))
    assert shown.settle().picture() != picture
    legend.get_by_role("button", name="Show only own-data").click()
    shown.wait("visible", len(points) - others)
    hidden = [number for number, point in enumerate(points) if point.source != "own-data"]
    places = [shown.viz(f"project({number})") for number in hidden]
    found = [shown.viz(f"pickAt({place['x']}, {place['y']})") for place in places if place is not None]
    assert not set(found) & set(hidden)
    legend.get_by_role("button", name="Show all").click()
    shown.wait("visible", len(points))
    assert shown.settle().picture() == picture


def test_a_range_of_density_leaves_the_prompts_in_it(shown, points):
    rare = shown.page.get_by_label("Highest density percentile shown")
    rare.fill("25")
    wanted = [point.density for point in points if point.density <= 0.25]
    shown.wait("visible", len(wanted))
    said = shown.page.locator("#statistics-density").text_content() or ""
    assert float(said.removesuffix(" %")) == pytest.approx(100 * sum(wanted) / len(wanted), abs=0.06)
    shown.page.get_by_label("Lowest density percentile shown").fill("90")
    assert rare.input_value() == "25"
    rare.fill("100")
    shown.page.get_by_label("Lowest density percentile shown").fill("75")
    shown.wait("visible", sum(point.density >= 0.75 for point in points))


def test_a_cluster_can_be_hidden_shown_alone_and_marked(drawn, points):
    drawn.page.get_by_text("Clusters", exact=True).click()
    poems = sum(point.cluster == 1 for point in points)
    legend = drawn.page.locator(".clusters .legend")
    legend.get_by_role("button", name=re.compile("^poem")).click()
    drawn.wait("visible", len(points) - poems)
    expect(drawn.page.get_by_text("Without the cluster")).to_be_visible()
    legend.get_by_role("button", name="Show only poem").focus()
    drawn.page.keyboard.press("Enter")
    drawn.wait("visible", poems)
    expect(drawn.page.get_by_text("Only the cluster")).to_be_visible()
    drawn.page.get_by_role("region", name="Clusters").get_by_role("button", name="Show all").click()
    drawn.wait("visible", len(points))
    drawn.page.get_by_role("button", name="Mark the prompts of poem").click()
    drawn.wait("marked", poems)


def test_a_newcomer_gets_to_a_rare_prompt_with_one_click(drawn, points):
    drawn.page.get_by_role("button", name="Show me a rare prompt").click()
    drawn.page.wait_for_function("() => window.__viz.selected !== null")
    chosen = points[drawn.viz("selected")]
    assert chosen.density <= 0.05
    expect(drawn.page.locator("#reason")).to_contain_text("as a uniform sampler would")
    assert drawn.settle().viz(f"project({drawn.viz('selected')})") is not None
