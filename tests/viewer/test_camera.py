"""Mouse and fingers move the camera, and the map turns by itself only while nobody is at it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.viewer.map_page import MapPage

IDLE_MILLISECONDS = 5_000
_RESTS = "() => window.__viz.settled"
_TURNS = "(yaw) => window.__viz.camera.yaw !== yaw"


class Fingers:
    """Touches of a real touch screen, as Chromium takes them from its devices."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def touch(self, *paths: list[tuple[float, float]]) -> None:
        """Put down as many fingers as there are paths, move each along its own, and lift them."""
        self._send("touchStart", [path[0] for path in paths])
        for step in range(1, max(map(len, paths))):
            self._send("touchMove", [path[step] for path in paths])
        self._send("touchEnd", [])

    def _send(self, kind: str, places: list[tuple[float, float]]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.fixture
def middle(shown) -> tuple[float, float]:
    return _middle(shown)


@pytest.fixture
def phone(new_page, viewer) -> MapPage:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    return MapPage(page).open(viewer.url)


def _middle(shown: MapPage) -> tuple[float, float]:
    box = shown.stage.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _drag(shown: MapPage, start: tuple[float, float], dx: float, dy: float, button: Any = "left") -> None:
    mouse = shown.page.mouse
    mouse.move(*start)
    mouse.down(button=button)
    mouse.move(start[0] + dx, start[1] + dy, steps=4)
    mouse.up(button=button)
    shown.settle()


def _line(start: tuple[float, float], dx: float, dy: float, steps: int = 5) -> list[tuple[float, float]]:
    return [(start[0] + dx * step / steps, start[1] + dy * step / steps) for step in range(steps + 1)]


def test_a_drag_rotates_round_the_same_middle_and_selects_nothing(shown, middle):
    before, picture = shown.viz("camera"), shown.picture()
    _drag(shown, middle, 120, 60)
    after = shown.viz("camera")
    assert after["yaw"] < before["yaw"]
    assert after["pitch"] > before["pitch"]
    assert (after["distance"], after["target"]) == (before["distance"], before["target"])
    assert shown.picture() != picture
    assert shown.viz("selected") is None
    _drag(shown, middle, -120, -60)
    assert shown.viz("camera")["yaw"] == pytest.approx(before["yaw"])


@pytest.mark.parametrize("way", ["right button", "Shift"])
def test_a_drag_with_the_right_button_or_shift_moves_the_picture(shown, middle, way):
    before = shown.viz("camera")
    point = shown.reachable()[0]
    x, y = shown.viz(f"project({point})").values()
    if way == "Shift":
        shown.page.keyboard.down("Shift")
    _drag(shown, middle, 90, -40, "right" if way == "right button" else "left")
    shown.page.keyboard.up("Shift")
    after, moved = shown.viz("camera"), shown.viz(f"project({point})")
    assert (after["yaw"], after["pitch"], after["distance"]) == (before["yaw"], before["pitch"], before["distance"])
    assert after["target"] != before["target"]
    assert moved["x"] - x > 0 > moved["y"] - y


def test_a_wheel_zooms_to_the_pointer(shown):
    point = shown.reachable()[0]
    shown.aim(distance=6)
    place = shown.viz(f"project({point})")
    before = shown.viz("camera")
    shown.page.mouse.move(place["x"], place["y"])
    shown.page.mouse.wheel(0, -200)
    shown.page.wait_for_function("(distance) => window.__viz.camera.distance < distance", arg=before["distance"])
    closer = shown.settle().viz(f"project({point})")
    away = math.hypot(closer["x"] - place["x"], closer["y"] - place["y"])
    centre = _middle(shown)
    assert away < math.hypot(place["x"] - centre[0], place["y"] - centre[1]) / 4
    shown.page.mouse.wheel(0, 200)
    shown.page.wait_for_function("(distance) => window.__viz.camera.distance > distance", arg=before["distance"] * 0.99)
    assert shown.settle().viz("camera")["distance"] == pytest.approx(before["distance"])


def test_one_finger_rotates_two_move_and_zoom(phone):
    fingers, centre = Fingers(phone.page), _middle(phone)
    before = phone.viz("camera")
    fingers.touch(_line(centre, 80, 0))
    turned = phone.settle().viz("camera")
    assert turned["yaw"] < before["yaw"]
    assert turned["distance"] == before["distance"]
    left, right = (centre[0] - 40, centre[1]), (centre[0] + 40, centre[1])
    fingers.touch(_line(left, -60, 0), _line(right, 60, 0))
    zoomed = phone.settle().viz("camera")
    assert zoomed["distance"] < turned["distance"]
    assert zoomed["yaw"] == turned["yaw"]
    fingers.touch(_line(left, 0, 70), _line(right, 0, 70))
    moved = phone.settle().viz("camera")
    assert moved["distance"] == pytest.approx(zoomed["distance"], rel=0.05)
    assert moved["target"] != zoomed["target"]
    assert phone.viz("selected") is None


def test_a_tap_selects_and_its_sheet_leaves_the_map_as_large_as_it_was(phone):
    before = phone.stage.bounding_box()
    phone.page.touchscreen.tap(*phone.bring(4))
    phone.wait("selected", 4)
    phone.page.get_by_role("region", name="Nearest prompts").wait_for(state="attached")
    assert phone.stage.bounding_box() == before


def test_what_is_like_a_prompt_comes_into_sight_on_a_phone(phone):
    phone.page.touchscreen.tap(*phone.bring(4))
    phone.page.get_by_role("button", name="Find similar").click()
    expect(phone.page.get_by_text("nearest in meaning")).to_be_in_viewport()


@pytest.fixture
def turning(new_page, viewer) -> Iterator[Callable[[], MapPage]]:
    """Opens a page with motion, whose clock a test can set forward until the map turns."""

    def open_page() -> MapPage:
        page = new_page(reduced_motion="no-preference")
        page.clock.install()
        page.goto(viewer.url)
        page.wait_for_function("() => window.__viz?.points > 0 && window.__viz.loaded === window.__viz.points")
        page.clock.fast_forward(IDLE_MILLISECONDS)
        page.wait_for_function(_TURNS, arg=page.evaluate("() => window.__viz.camera.yaw"))
        return MapPage(page)

    return open_page


def _stays(shown: MapPage) -> bool:
    """Whether the map stands still for longer than it waits before it turns."""
    shown.page.wait_for_function(_RESTS)
    yaw = shown.viz("camera.yaw")
    shown.page.clock.run_for(2 * IDLE_MILLISECONDS)
    return shown.viz("camera.yaw") == yaw


def test_the_map_turns_when_nobody_is_at_it_and_stops_under_the_pointer(turning):
    shown = turning()
    for point in range(shown.viz("points")):
        if (place := shown.place(point)) is not None:
            break
    shown.page.mouse.move(*place)
    shown.page.wait_for_function(_RESTS)
    assert shown.viz("hovered") is not None
    shown.page.mouse.move(*shown.empty_place())
    shown.wait("hovered", None)
    assert _stays(shown), "the pointer rests over the map"
    shown.page.get_by_label("Search prompts").hover()
    shown.page.clock.fast_forward(IDLE_MILLISECONDS)
    shown.page.wait_for_function(_TURNS, arg=shown.viz("camera.yaw"))


def test_the_map_stands_still_while_the_lasso_is_on(turning):
    shown = turning()
    lasso = shown.page.get_by_role("button", name="Lasso: mark prompts")
    lasso.click()
    assert _stays(shown)
    x, y = shown.empty_place()
    shown.page.mouse.move(x, y)
    shown.page.mouse.down()
    shown.page.mouse.move(x + 30, y)
    assert _stays(shown), "a line is being drawn"
    shown.page.mouse.up()
    lasso.focus()
    shown.page.keyboard.press("Escape")
    shown.page.get_by_label("Search prompts").hover()
    shown.page.clock.fast_forward(IDLE_MILLISECONDS)
    shown.page.wait_for_function(_TURNS, arg=shown.viz("camera.yaw"))


def test_the_map_stands_still_while_a_prompt_is_open_which_esc_ends_from_a_tab(turning):
    shown = turning()
    shown.page.get_by_role("button", name="Show me a rare prompt").click()
    shown.page.get_by_role("region", name="Nearest prompts").wait_for(state="attached")
    shown.page.clock.run_for(IDLE_MILLISECONDS)
    assert _stays(shown)
    shown.page.get_by_role("tab", name="Explore").focus()
    shown.page.keyboard.press("Escape")
    shown.wait("selected", None)
    shown.page.wait_for_function(_RESTS)
    shown.page.clock.fast_forward(IDLE_MILLISECONDS)
    shown.page.wait_for_function(_TURNS, arg=shown.viz("camera.yaw"))


def test_the_map_stands_still_while_it_has_the_focus(turning):
    shown = turning()
    shown.stage.focus()
    shown.page.wait_for_function(_RESTS)
    yaw = shown.viz("camera.yaw")
    shown.page.clock.run_for(2 * IDLE_MILLISECONDS)
    assert shown.viz("camera.yaw") == yaw
    shown.stage.blur()
    shown.page.clock.fast_forward(IDLE_MILLISECONDS)
    shown.page.wait_for_function(_TURNS, arg=yaw)


@pytest.mark.parametrize("way", ["people want no motion", "it is switched off"])
def test_the_map_stops_turning_where(turning, way):
    shown = turning()
    if way == "it is switched off":
        shown.page.get_by_label("Rotation").uncheck()
    else:
        shown.page.emulate_media(reduced_motion="reduce")
    assert _stays(shown)


def test_a_pose_that_is_no_place_is_not_taken(turning):
    shown = turning()
    shown.page.evaluate("() => window.__viz.setCamera({ distance: NaN, target: [0, NaN, 0] })")
    shown.page.evaluate("() => window.__viz.setCamera({ distance: 1.5 })")
    shown.page.wait_for_function("() => window.__viz.camera.distance === 1.5")
    assert all(isinstance(at, (int, float)) for at in shown.viz("camera.target"))
