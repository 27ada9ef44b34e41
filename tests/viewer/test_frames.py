"""What a frame costs besides time: memory that somebody has to collect, which is when a turning map jerks."""

from __future__ import annotations

from typing import Any

from tests.viewer.map_page import MapPage

MOST_BYTES = {"canvas": 13_000, "webgl": 42_000}
"""Three times what a frame of a quarter of a million prompts leaves once all is compiled, as it is not here."""
NUM_FRAMES = 200
_TURN = """
(frames) => new Promise((done) => {
  let frame = 0;
  const next = () => {
    window.__viz.setCamera({ yaw: 0.01 * frame });
    if (++frame > frames) done();
    else requestAnimationFrame(next);
  };
  next();
})
"""


def _allocated(shown: MapPage) -> int:
    """Bytes that turning allocates, also those that are collected meanwhile."""
    devtools = shown.page.context.new_cdp_session(shown.page)
    collected = {"includeObjectsCollectedByMajorGC": True, "includeObjectsCollectedByMinorGC": True}
    devtools.send("HeapProfiler.startSampling", {"samplingInterval": 1024, **collected})
    shown.page.evaluate(_TURN, NUM_FRAMES)
    return _sum(devtools.send("HeapProfiler.stopSampling")["profile"]["head"])


def _sum(node: dict[str, Any]) -> int:
    """Of the page's own functions; this test's have no address."""
    own = node["selfSize"] if node["callFrame"]["url"] else 0
    return int(own) + sum(map(_sum, node.get("children", [])))


def test_a_turned_frame_leaves_next_to_nothing_to_collect(shown, renderer):
    shown.page.wait_for_load_state("networkidle")  # the names of clusters come after the points
    shown.page.evaluate(_TURN, NUM_FRAMES)  # what is made once is made
    frames = shown.viz("frames")
    assert _allocated(shown) / NUM_FRAMES < MOST_BYTES[renderer]
    assert shown.viz("frames") - frames >= NUM_FRAMES
