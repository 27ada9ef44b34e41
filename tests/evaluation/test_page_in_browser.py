"""The page in a real Chromium: it answers to the pointer, asks nobody for anything, and shows texts as texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmark.browser.chromium import FLAGS, NO_BROWSER, provide_browser
from kat_ray.evaluation.comparison import compare
from kat_ray.evaluation.page import write_page
from tests.evaluation.evaluations import HOSTILE, evaluated, maps_of, named

PLACE = """([id, name, place]) => {
  const plot = document.getElementById(id);
  const trace = plot.data.find((one) => one.name === name);
  const { xaxis, yaxis } = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  return [box.left + xaxis._offset + xaxis.c2p(trace.x[place]), box.top + yaxis._offset + yaxis.c2p(trace.y[place])];
}"""
HIGHEST_BAR = """(name) => {
  const plot = document.getElementById("bars");
  const trace = plot.data.find((one) => one.name === name);
  const place = trace.y.indexOf(Math.max(...trace.y));
  const { xaxis, yaxis } = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  const x = trace.x[place] + trace.width[place] / 2;
  return [box.left + xaxis._offset + xaxis.c2p(x), box.top + yaxis._offset + yaxis.c2p(trace.y[place] / 2)];
}"""
IN_SIGHT = "(element) => element.scrollIntoView({ block: 'center', behavior: 'instant' })"
SCROLLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = provide_browser()
    if chromium is None:
        pytest.fail(NO_BROWSER, pytrace=False)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=FLAGS)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a file in a fresh context; a request for anything else, and any error, fails the test."""
    troubles: list[str] = []
    with ExitStack() as stack:

        def open_file(path: Path, **options: Any) -> Page:
            defaults: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
            context = stack.enter_context(browser.new_context(**{**defaults, **options}))
            page = context.new_page()
            page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
            page.on("console", lambda message: troubles.append(f"console: {message.text}"))
            page.on("request", lambda request: request.url == path.as_uri() or troubles.append(request.url[:200]))
            page.goto(path.as_uri())
            wait_for_plots(page, 0)
            return page

        yield open_file
    assert not troubles


def wait_for_plots(page: Page, evaluation: int) -> None:
    """The page's own policy keeps Playwright from asking it again and again by a function."""
    expect(page.locator(f"html[data-drawn='{evaluation}']")).to_have_count(1, timeout=30_000)


def point_at(page: Page, *place: object) -> None:
    """Moves the pointer onto a point: plot, trace and number of the point."""
    show(page, str(place[0]))
    page.mouse.move(*page.evaluate(PLACE, list(place)))


def show(page: Page, name: str) -> None:
    """Scrolls there and waits until the page has heard of it, as it then stops telling."""
    page.locator(f"#{name}").evaluate(IN_SIGHT)
    page.evaluate(SCROLLED)


@pytest.fixture(scope="module")
def folder(planted, chance, tmp_path_factory) -> Path:
    """A page of one encoder, one of two, and one of hostile texts; queries stand in rows, positives to the right."""
    folder = tmp_path_factory.mktemp("pages")
    row, column = np.arange(60) // 10 / 6.0, np.arange(60) % 10 / 10.0
    points = np.concatenate([np.stack([column, row], 1), np.stack([column + 0.04, row + 0.02], 1)]).astype(np.float32)
    maps = maps_of(planted, points, points)
    first = evaluated(planted, "first", named(planted.relevance), maps)
    second = evaluated(chance, "second", named(planted.relevance), maps_of(chance, None, points))
    write_page(folder / "one.html", [first])
    scores = second.report.scores, first.report.scores
    write_page(folder / "two.html", [first, second], [compare(*scores, planted.relevance, resamples=20)])
    texts = named(chance.relevance, HOSTILE)
    write_page(
        folder / "hostile.html",
        [evaluated(chance, HOSTILE[0], texts, maps_of(chance, points, points))],
        title=HOSTILE[1],
    )
    return folder


def test_a_point_tells_its_text_its_similarity_and_its_rank(folder, open_page):
    page = open_page(folder / "one.html")
    point_at(page, "tsne", "query", 23)
    expect(page.locator("#tip")).to_be_visible()
    expect(page.locator("#tip")).to_contain_text(re.compile(r"Query 24\s*query 23: plain"))
    expect(page.locator("#tip")).to_contain_text(re.compile(r"own positive 0\.9\d\d; first .* at rank 1 of 60"))
    point_at(page, "umap", "positive", 7)
    expect(page.locator("#tip")).to_contain_text(re.compile(r"Positive of query 8\s*document 7: plain"))
    page.mouse.move(5, 5)
    expect(page.locator("#tip")).to_be_hidden()


def test_a_click_on_a_query_shows_its_nearest_documents(folder, open_page):
    page = open_page(folder / "one.html")
    point_at(page, "umap", "query", 41)
    page.mouse.click(*page.evaluate(PLACE, ["umap", "query", 41]))
    expect(page.locator("#asked")).to_contain_text("query 41: plain")
    expect(page.locator("#nearest li")).to_have_count(10)
    expect(page.locator("#nearest li").first).to_contain_text("document 41: plain")
    expect(page.locator("#nearest li.right")).to_have_count(1)
    expect(page.locator("#query")).to_have_value("41")


def test_a_cell_tells_both_texts(folder, open_page):
    page = open_page(folder / "one.html")
    show(page, "heat")
    box = page.locator("#heat .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 12.5 / 50, box["y"] + box["height"] * 3.5 / 50)
    tip = page.locator("#tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("query 3: plain")
    expect(tip).to_contain_text(re.compile(r"Positive of query 13, not relevant to it\s*document 12: plain"))


def test_bars_boxes_and_nearest_documents_answer_too(folder, open_page):
    page = open_page(folder / "one.html")
    tip = page.locator("#tip")
    show(page, "bars")
    page.mouse.move(*page.evaluate(HIGHEST_BAR, "positive pairs"))
    expect(tip).to_contain_text(re.compile(r"similarity 0\.9.*% of the positive pairs.*% of the negative pairs", re.S))
    box = page.locator("#boxes .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.7)
    expect(tip).to_contain_text(re.compile(r"negative pairs.*median .?0\.0", re.S))
    show(page, "nearest")
    page.locator("#nearest li").nth(4).hover()
    expect(tip).to_contain_text("rank 5, similarity")


def test_another_encoder_changes_numbers_and_plots(folder, open_page):
    page = open_page(folder / "two.html")
    expect(page.get_by_text("✗ Not ready").locator("visible=true").first).to_be_visible()
    assert page.locator("section[data-evaluation='1']").locator("visible=true").count() == 0
    page.get_by_label("second").check()
    wait_for_plots(page, 1)
    assert page.locator("section[data-evaluation='0']").locator("visible=true").count() == 0
    assert page.locator("section[data-evaluation='1']").locator("visible=true").count() == 2
    expect(page.locator("#tsne-none")).to_be_visible()
    expect(page.locator("#tsne")).to_be_hidden()
    expect(page.get_by_text("Encoders side by side")).to_be_visible()
    page.get_by_label("first").check()
    wait_for_plots(page, 0)
    expect(page.locator("#tsne .main-svg").first).to_be_visible()


def test_colors_are_for_any_color_vision_and_the_seeds_are_one_choice_away(folder, open_page):
    page = open_page(folder / "one.html")
    lowest = page.locator("#heat stop").first
    expect(lowest).to_have_attribute("stop-color", "rgb(0, 34, 78)")
    page.get_by_label("Colors").select_option("seeds")
    expect(lowest).to_have_attribute("stop-color", "rgb(165, 0, 38)")


def test_hostile_texts_are_shown_and_do_nothing(folder, open_page):
    page = open_page(folder / "hostile.html")
    for place in range(len(HOSTILE)):
        page.locator("#query").select_option(str(place))
        expect(page.locator("#asked")).to_contain_text(f"query {place}: ")
        point_at(page, "tsne", "query", place)
        expect(page.locator("#tip")).to_contain_text(f"query {place}: ")
        box = page.locator("#tip").bounding_box()
        assert box["width"] <= 380
        assert box["height"] <= 540
    expect(page.locator("h1")).to_have_text(HOSTILE[1])
    assert page.evaluate("window.__hostile") is None
    assert page.locator("main img, main iframe, main a").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["two.html", "hostile.html"])
def test_a_narrow_window_needs_no_scrolling_to_the_side(folder, open_page, scheme, name):
    page = open_page(folder / name, viewport={"width": 400, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert page.locator("#umap").bounding_box()["width"] > 340


def test_plots_follow_the_color_scheme(folder, open_page):
    page = open_page(folder / "one.html", color_scheme="light")
    ink = page.locator("#tsne .legendtext").first
    expect(ink).to_have_css("fill", "rgb(27, 35, 48)")
    page.emulate_media(color_scheme="dark")
    expect(ink).to_have_css("fill", "rgb(231, 235, 242)")


def test_no_button_of_a_plot_leads_elsewhere(folder, open_page):
    page = open_page(folder / "one.html")
    titles = page.evaluate("[...document.querySelectorAll('#tsne .modebar-btn')].map((one) => one.dataset.title)")
    assert titles == ["Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"]


def test_without_scripts_the_numbers_are_there(folder, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "two.html").as_uri())
    expect(page.locator(".checklist").locator("visible=true")).to_have_count(2)
    expect(page.locator("#plots")).to_be_hidden()
    context.close()
