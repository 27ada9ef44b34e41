"""No figure of a part counts once there is a doubt about what was measured."""

from __future__ import annotations

from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure

FAST = Measure.less("graph", "s", 1.0, 20.0, 15)


def test_bars_hold_while_quality_holds():
    found = Findings([FAST])
    found.gate(Measure.at_least("recall", "", 0.995, 0.99))
    assert [one.passed for one in found.told()] == [True, True]


def test_a_quality_that_fails_refuses_the_speed_and_says_why():
    found = Findings([FAST])
    found.gate(Measure.at_least("recall", "", 0.95, 0.99))
    speed, recall = found.told()
    assert (speed.passed, recall.passed) == (False, False)
    assert "recall: 0.95 is not >= 0.99." in speed.note


def test_a_doubt_is_told_once():
    found = Findings([FAST])
    for _ in range(3):
        found.expect(False, "Answers are wrong.")
    assert found.doubts == ["Answers are wrong."]
    assert found.told()[0].note.count("Answers are wrong.") == 1


def test_what_cannot_be_measured_is_a_bar_that_fails():
    told = Findings.nothing("map", "There is no browser.").told()
    assert [(one.name, one.passed, one.note) for one in told] == [("map", False, "There is no browser.")]
