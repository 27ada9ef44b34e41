"""Marked prompts: drawn round by hand, listed, saved, and drawn more or less often by a new version of the snapshot."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from kat_ray.snapshot.snapshot import Snapshot
from serve.tokens import Tokens
from tests.viewer.map_page import MapPage
from tests.viewer.points import points_of

READ, PUBLISH = "token-of-a-reader-1234", "token-of-a-publisher-1234"
_POINTS = "() => Array.from({ length: window.__viz.points }, (_, point) => window.__viz.project(point))"


def lasso_left_half(shown: MapPage) -> list[int]:
    """Draw round the points left of the middle of the map; the numbers of those inside, ascending."""
    box = shown.stage.bounding_box()
    left, middle = box["x"] + 1, box["x"] + box["width"] / 2
    top, bottom = box["y"] + 1, box["y"] + box["height"] - 1
    inside = [
        number
        for number, place in enumerate(shown.page.evaluate(_POINTS))
        if place is not None and left < place["x"] < middle
    ]
    shown.page.get_by_role("button", name="Lasso: mark prompts").click()
    mouse = shown.page.mouse
    mouse.move(middle, bottom)
    mouse.down()
    for x, y in ((left, bottom), (left, top), (middle, top)):
        mouse.move(x, y, steps=3)
    mouse.up()
    shown.page.wait_for_function("() => window.__viz.marked !== null")
    return inside


def _saved(page: Page, button: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_text("utf-8")


def _draw(url: str, count: int) -> list[str]:
    """Ids that the service draws by the current snapshot's weights."""
    body = json.dumps({"n": count, "seed": 5}).encode()
    address = url.replace("/viz", "/v1/draws")
    asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return list(json.load(answer)["ids"])


def test_a_lasso_marks_what_it_encloses_and_the_others_step_back(shown, points):
    before = shown.picture()
    inside = lasso_left_half(shown)
    assert 0 < len(inside) < len(points)
    assert shown.viz("marked") == len(inside)
    assert shown.settle().picture() != before
    expect(shown.page.get_by_role("heading", name=f"{len(inside)} prompts marked")).to_be_visible()
    expect(shown.page.locator("#statistics-selected")).to_have_text(str(len(inside)))
    assert shown.stage.get_attribute("data-tool") == "navigate"


def test_marked_prompts_are_listed_by_source_and_one_by_one(drawn, points):
    inside = lasso_left_half(drawn)
    panel = drawn.page.locator(".marked")
    for source in {points[number].source for number in inside}:
        size = sum(points[number].source == source for number in inside)
        entry = panel.locator(".composition li").filter(has_text=source)
        expect(entry).to_contain_text(f"{size} · {100 * size / len(inside):.0f} %")
    items = panel.locator("[data-point]")
    expect(items).to_have_count(len(inside))
    first = items.first.get_by_role("button")
    expect(first).to_contain_text(points[inside[0]].text.strip()[:20])
    first.click()
    drawn.wait("selected", inside[0])
    drawn.page.locator(".detail").get_by_role("button", name="Close").click()
    expect(items).to_have_count(len(inside))


def test_marks_that_a_filter_hides_are_told(drawn, points):
    inside = lasso_left_half(drawn)
    said = drawn.page.locator(".hidden-marks")
    expect(said).to_be_hidden()
    source = points[inside[0]].source
    drawn.page.get_by_role("button", name=f"Show only {source}").click()
    hidden = sum(points[number].source != source for number in inside)
    expect(said).to_contain_text(f"{hidden} of them")
    assert drawn.viz("marked") == len(inside)
    said.get_by_role("button", name="Show all").click()
    drawn.wait("visible", len(points))


def test_marked_prompts_are_saved_as_ids_and_as_lines_of_json(drawn, points):
    inside = [points[number] for number in lasso_left_half(drawn)]
    assert _saved(drawn.page, "Ids (.txt)").split() == [point.id for point in inside]
    lines = [json.loads(line) for line in _saved(drawn.page, "Prompts (.jsonl)").splitlines()]
    assert [(line["id"], line["text"], line["source"]) for line in lines] == [
        (point.id, point.text, point.source) for point in inside
    ]
    assert [line["density"] for line in lines] == [point.exact_density for point in inside]
    assert [line["weight"] for line in lines] == pytest.approx([point.weight for point in inside], rel=1e-4)


@pytest.mark.parametrize(("label", "factor"), [("Mute ×0.01", 0.01), ("×8", 8.0)])
def test_a_change_of_marked_weights_becomes_a_version_that_samplers_draw_by(
    drawn, viewer, store, points, label, factor
):
    inside = lasso_left_half(drawn)
    drawn.page.get_by_role("button", name=label, exact=True).click()
    made = drawn.page.locator(".marked [role=status] code").text_content()
    assert Snapshot.open(store.location).snapshot_id != made
    drawn.page.get_by_role("button", name="Make it current").click()
    expect(drawn.page.get_by_text(f"Version {made} is the current snapshot now")).to_be_visible()
    assert Snapshot.open(store.location).snapshot_id == made
    ratios = [after.weight / before.weight for before, after in zip(points, points_of(store), strict=True)]
    marked = [ratios[number] for number in inside]
    others = [ratio for number, ratio in enumerate(ratios) if number not in inside]
    assert marked == pytest.approx([factor * others[0]] * len(marked))
    assert others == pytest.approx([others[0]] * len(others))
    names = {points[number].id for number in inside}
    drawn_ids = _draw(viewer.url, 100 * len(points))
    share = sum(name in names for name in drawn_ids) / len(drawn_ids)
    mass = sum(point.weight for point in points_of(store) if point.id in names) / len(points)
    assert share == pytest.approx(mass, abs=0.01)
    assert share < 0.05 if factor < 1 else share > 0.8


def test_the_new_version_can_be_looked_at_before_it_is_used(drawn, store, points):
    before = Snapshot.open(store.location).snapshot_id
    inside = lasso_left_half(drawn)
    drawn.page.get_by_role("button", name="×4", exact=True).click()
    made = drawn.page.locator(".marked [role=status] code").text_content()
    drawn.page.get_by_role("button", name="Look at it").click()
    expect(drawn.page.get_by_label("Snapshot", exact=True)).to_have_value(made)
    expect(drawn.page.get_by_role("radio", name="Weight")).to_be_checked()
    drawn.page.wait_for_function("(id) => window.location.hash.includes(id)", arg=made)
    assert drawn.settle().viz("marked") == len(inside)
    assert Snapshot.open(store.location).snapshot_id == before
    drawn.click(inside[0])
    weight = points_of(store, made)[inside[0]].weight
    expect(drawn.page.locator(".detail .facts")).to_contain_text(f"×{weight:.2f}")


def test_who_may_only_read_is_told_so_and_can_use_another_token(page, problems, built, serve, store):
    problems.expect("401")
    page.goto(serve(store, tokens=Tokens.of([READ], [PUBLISH])).url)
    page.get_by_label("Token", exact=True).fill(READ)
    page.get_by_role("button", name="Continue").click()
    shown = MapPage(page).settle()
    lasso_left_half(shown)
    panel = page.locator(".marked")
    expect(panel.get_by_text("Your token may only read")).to_be_visible()
    expect(panel.get_by_role("button", name=re.compile("×"))).to_have_count(0)
    panel.get_by_role("button", name="Use another token").click()
    page.get_by_label("Token", exact=True).fill(PUBLISH)
    page.get_by_role("button", name="Continue").click()
    panel.get_by_role("button", name="×2", exact=True).click()
    expect(panel.get_by_text(re.compile(r"New version [0-9a-f]{16}"))).to_be_visible()


def test_a_lasso_round_nothing_marks_nothing_says_so_and_can_be_given_up(drawn):
    hint = drawn.page.locator(".notice")
    drawn.page.get_by_role("button", name="Lasso: mark prompts").click()
    expect(hint).to_contain_text("Draw around the prompts; Esc ends.")
    x, y = drawn.empty_place()
    drawn.page.mouse.move(x, y)
    drawn.page.mouse.down()
    for dx, dy in ((5, 0), (5, 5), (0, 5)):
        drawn.page.mouse.move(x + dx, y + dy)
    drawn.page.mouse.up()
    expect(hint).to_contain_text("No prompts inside.")
    assert drawn.viz("marked") is None
    assert drawn.stage.get_attribute("data-tool") == "lasso"
    drawn.page.keyboard.press("Escape")
    expect(hint).to_be_hidden()
    assert drawn.stage.get_attribute("data-tool") == "navigate"
