"""Pointing at a prompt shows its beginning; a click shows all of it, why it has its weight, and what lies near."""

from __future__ import annotations

from math import floor

import pytest
from playwright.sync_api import expect

from kat_ray.snapshot.snapshot import Snapshot
from tests.viewer.map_page import MapPage

_PIXELS = """
(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, at) => at % 4 === 3 && value > 0).length;
}
"""


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


@pytest.fixture
def card(page):
    return page.locator(".card")


@pytest.fixture
def detail(page):
    return page.locator(".detail")


def test_pointing_at_a_prompt_shows_its_text_source_and_density(shown, card, points):
    for number in (0, 1, 31, 59):
        shown.hover(number)
        expect(card).to_be_visible()
        expect(card).to_contain_text(points[number].text.strip()[:20])
        expect(card).to_contain_text(points[number].source)
        expect(card).to_contain_text(
            f"denser than {points[number].density * 100:.0f} % of prompts · {points[number].band}"
        )
        expect(card).to_contain_text(f"×{points[number].weight:.2f} of average")


def test_pointing_elsewhere_shows_nothing(shown, card):
    shown.hover(0)
    expect(card).to_be_visible()
    shown.page.mouse.move(*shown.empty_place())
    shown.wait("hovered", None)
    expect(card).to_be_hidden()


@pytest.mark.parametrize("number", [0, 17])
def test_a_click_shows_the_whole_prompt_and_why_it_has_its_weight(shown, detail, points, store, number):
    shown.click(number)
    point = points[number]
    expect(detail.locator(".turn .quoted.block")).to_have_text(point.text)
    expect(detail.locator(".origins")).to_contain_text(point.source)
    snapshot = Snapshot.open(store.location)
    percentile = _percent(float(snapshot.density_percentile[point.row]))
    expect(detail.locator(".facts")).to_contain_text(percentile)
    expect(detail.locator(".facts")).to_contain_text(point.band)
    expect(detail.locator(".facts")).to_contain_text(f"×{point.weight:.2f}")
    share = float(snapshot.density_percentile[point.row])
    rarer, others = ("Rarer", 1 - share) if share < 0.5 else ("More common", share)
    shown_share = floor(min(0.999, others) * 1000) / 10
    expect(detail.locator("#rarity")).to_have_text(f"{rarer} than {shown_share:.1f} % of prompts")
    expect(detail.locator("#drawing")).to_contain_text(f"{point.weight:#.2g} × as often as a uniform sampler")
    draws, uniform = 10_000 * point.weight / len(points), 10_000 / len(points)
    said = f"In 10,000 draws about {round(draws)} times instead of {round(uniform)}"
    expect(detail.locator("#reason")).to_contain_text(said)


def test_replies_are_shown_with_the_words_in_which_they_differ(drawn, detail, points):
    drawn.click(5)
    row = points[5].row
    for kind, word in (("chosen", "good"), ("rejected", "bad")):
        reply = detail.locator(f".reply.{kind}")
        expect(reply).to_contain_text(f"{word} {row}")
        expect(reply.locator("mark")).to_have_text(word)


def test_a_walk_goes_from_neighbor_to_neighbor(shown, detail, points, store):
    numbers = {point.row: number for number, point in enumerate(points)}
    nearest_rows = Snapshot.open(store.location).neighbor_indices[:, 0]
    shown.click(3)
    at = 3
    for _ in range(3):
        at = numbers[int(nearest_rows[points[at].row])]
        nearest = detail.get_by_role("region", name="Nearest prompts").get_by_role("button").first
        expect(nearest).to_contain_text(points[at].text.strip()[:20])
        nearest.click()
        shown.wait("selected", at)
        expect(detail.locator(".turn .quoted.block")).to_have_text(points[at].text)


def test_a_click_beside_every_prompt_ends_the_selection(shown, detail):
    shown.click(2)
    shown.page.get_by_role("region", name="Nearest prompts").wait_for()  # until then the map moves to show them
    shown.settle()
    shown.page.mouse.click(*shown.empty_place())
    shown.wait("selected", None)
    expect(detail).to_be_hidden()


def test_a_selection_is_ringed_and_its_neighbors_are_linked(shown):
    front = shown.page.locator("#map .stage > canvas").last
    before = front.evaluate(_PIXELS)
    shown.click(8)
    shown.page.get_by_role("region", name="Nearest prompts").wait_for()
    shown.settle()
    assert front.evaluate(_PIXELS) > before


def test_a_chat_is_offered_only_where_there_is_one(drawn, new_page, serve, store, points, detail):
    drawn.click(0)
    detail.get_by_role("region", name="Nearest prompts").wait_for()
    expect(detail.get_by_role("link")).to_have_count(0)
    other = MapPage(new_page()).open(serve(store, chat_url="https://chat.lab/").url)
    other.click(0)
    link = other.page.get_by_role("link", name="Open in chat")
    expect(link).to_have_attribute("href", f"https://chat.lab/?prefix_id={points[0].id}")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
