"""The address holds what is shown, the keyboard reaches everything, and pictures can be taken along."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from playwright.sync_api import expect

from kat_ray.snapshot.snapshot import Snapshot
from tests.viewer.map_page import MapPage
from tests.viewer.points import points_of

_WRITTEN = "(words) => words.every((word) => window.location.hash.includes(word))"


def _older(store) -> str:
    current = Snapshot.open(store.location).snapshot_id
    return next(entry.snapshot_id for entry in store.list() if entry.snapshot_id != current)


def test_an_address_shows_others_the_same_camera_filters_and_selection(shown, new_page, renderer):
    page = shown.page
    page.get_by_role("button", name="Show only own-data").click()
    page.get_by_role("radio", name="Density").check()
    page.get_by_label("Point size").fill("1.5")
    shown.aim(yaw=-1.25, pitch=0.5, distance=2.5, target=[0.1, 0.05, -0.1])
    number = shown.reachable()[0]
    page.mouse.click(*shown.place(number))
    shown.wait("selected", number)
    page.get_by_role("region", name="Nearest prompts").wait_for()
    page.wait_for_function(_WRITTEN, arg=["prompt=", "hide=", "color=density", "size=1.5", "camera=-1.25"])
    other = MapPage(new_page()).open(page.url)
    other.wait("selected", number)
    other.page.get_by_role("region", name="Nearest prompts").wait_for()
    assert other.viz("kind") == renderer
    assert other.viz("visible") == shown.viz("visible")
    camera = shown.settle().viz("camera")
    assert other.settle().viz("camera.target") == pytest.approx(camera["target"], abs=2e-3)
    assert [other.viz(f"camera.{name}") for name in ("yaw", "pitch", "distance")] == pytest.approx(
        [camera[name] for name in ("yaw", "pitch", "distance")], abs=2e-3
    )
    expect(other.page.get_by_role("radio", name="Density")).to_be_checked()
    expect(other.page.get_by_role("button", name="own-data", exact=False).first).to_have_attribute(
        "aria-pressed", "true"
    )


@pytest.mark.parametrize(
    "rubbish", ["camera=1_2_3", "camera=NaN_0_-1_0_0_0&density=9-1&hide=x&cluster=-1&size=1e9", "prompt=<b>&snapshot=."]
)
def test_rubbish_in_an_address_is_passed_over(page, viewer, points, rubbish):
    shown = MapPage(page).open(f"{viewer.url}#{rubbish}")
    assert shown.viz("visible") == len(points)
    assert shown.lit_share() == 1.0


def test_an_address_that_is_changed_by_hand_is_followed(drawn, points):
    drawn.page.evaluate("(id) => { window.location.hash = `prompt=${id}`; }", points[6].id)
    drawn.wait("selected", 6)


def test_an_address_of_a_prompt_that_is_gone_says_so(page, problems, viewer):
    problems.expect("404")
    page.goto(f"{viewer.url}#prompt={'ab' * 8}")
    expect(page.get_by_text("The prompt of this address is not shown")).to_be_visible()
    assert MapPage(page).settle().viz("selected") is None


def test_another_snapshot_can_be_shown_and_made_current(drawn, store):
    older, current = _older(store), Snapshot.open(store.location).snapshot_id
    page = drawn.page
    drawn.click(7)
    chooser = page.get_by_label("Snapshot", exact=True)
    expect(chooser).to_have_value(current)
    chooser.select_option(older)
    page.wait_for_function(_WRITTEN, arg=[f"snapshot={older}"])
    weight = points_of(store, older)[7].weight
    expect(page.locator(".detail .facts")).to_contain_text(f"×{weight:.2f}")
    assert drawn.settle().viz("selected") == 7
    page.get_by_role("button", name="Make it current").click()
    expect(page.get_by_role("button", name="Make it current")).to_be_hidden()
    assert Snapshot.open(store.location).snapshot_id == older


def test_a_snapshot_that_is_gone_is_told_with_a_way_back(page, problems, viewer, points):
    problems.expect("404")
    page.goto(f"{viewer.url}#snapshot={'ab' * 8}")
    page.get_by_role("button", name="Show the current snapshot").click()
    assert MapPage(page).settle().viz("points") == len(points)


def test_the_keyboard_leads_from_the_first_tab_to_a_selected_prompt(shown):
    page = shown.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the map")).to_be_focused()
    page.keyboard.press("Enter")
    expect(shown.stage).to_be_focused()
    before = shown.viz("camera")
    for keys in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "+"):
        page.keyboard.press(keys)
    after = shown.settle().viz("camera")
    assert after["yaw"] != before["yaw"]
    assert after["pitch"] != before["pitch"]
    assert after["target"] != before["target"]
    assert after["distance"] < before["distance"]
    page.keyboard.press("0")
    shown.settle()
    page.keyboard.press("Enter")
    page.wait_for_function("() => window.__viz.selected !== null")
    expect(page.get_by_role("region", name="Nearest prompts")).to_be_visible()
    page.keyboard.press("f")
    page.wait_for_function("(distance) => window.__viz.camera.distance < distance", arg=before["distance"])
    page.keyboard.press("Escape")
    shown.wait("selected", None)


def test_the_keyboard_shows_what_is_at_the_crosshair_and_marks_what_is_round_it(shown, points):
    page = shown.page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("0")
    shown.settle()
    page.wait_for_function("() => window.__viz.hovered !== null")
    expect(page.locator(".card")).to_contain_text(points[shown.viz("hovered")].text.strip()[:20])
    box, card = shown.stage.bounding_box(), page.locator(".card").bounding_box()
    assert abs(card["x"] - (box["x"] + box["width"] / 2)) < 60
    number = shown.viz("hovered")
    aimed = shown.viz(f"project({number})")
    page.keyboard.press("]")
    page.keyboard.press("m")
    page.wait_for_function("() => window.__viz.marked !== null")
    page.locator(".marked [data-point]").first.wait_for()
    few = shown.settle().viz("marked")
    assert shown.viz(f"project({number})")["x"] < aimed["x"] - 100, "it stays at the crosshair beside the panel"
    page.keyboard.press("Escape")
    shown.wait("marked", None)
    for key in (*9 * "]", "m"):
        page.keyboard.press(key)
    page.wait_for_function("(few) => window.__viz.marked > few", arg=few)
    page.keyboard.press("Tab")
    expect(page.locator(".card")).to_be_hidden()


def test_the_keyboard_searches_and_walks_through_what_is_found(drawn):
    page = drawn.page
    page.keyboard.press("/")
    expect(page.get_by_label("Search prompts")).to_be_focused()
    page.keyboard.type("winter")
    page.keyboard.press("Enter")
    first = page.locator(".search .briefs button").first
    first.focus()
    page.wait_for_function("() => window.__viz.hovered !== null")
    page.keyboard.press("Enter")
    page.wait_for_function("() => window.__viz.selected !== null")


def test_help_says_all_keys_and_goes_away(drawn):
    page = drawn.page
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    for word in ("Rotate", "Zoom", "Lasso", "Esc", "Search"):
        expect(dialog.get_by_text(word).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Help: keys and gestures").click()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_a_picture_of_the_map_can_be_saved_as_it_is(shown, store):
    with shown.page.expect_download() as download:
        shown.page.get_by_role("button", name="Save a picture").click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    box = shown.stage.bounding_box()
    assert struct.unpack(">II", content[16:24]) == (round(box["width"]), round(box["height"]))
    assert Snapshot.open(store.location).snapshot_id in download.value.suggested_filename
    assert len(content) > 5_000
