from __future__ import annotations

import re
from pathlib import Path

import pytest

from kat_ray.storage import Location
from serve.refusals import RefusedError
from serve.services.exposures import RUN_NAME, Exposures
from serve.tokens import Holder

REPORT = {"snapshot_id": "0" * 16, "num_draws": 5, "alarm": False}


@pytest.fixture
def exposures(tmp_path) -> Exposures:
    return Exposures(Location(str(tmp_path)), 3)


def test_the_last_report_of_a_run_counts(exposures, tmp_path):
    assert exposures.put("grpo-7", REPORT)
    assert not exposures.put("grpo-7", {**REPORT, "num_draws": 9})
    kept = exposures.get("grpo-7")
    assert (kept["run"], kept["num_draws"]) == ("grpo-7", 9)
    assert Path(tmp_path, "exposures", "grpo-7.json").is_file()
    assert [entry["run"] for entry in exposures.runs()] == ["grpo-7"]
    assert exposures.runs()[0]["reported_at"][:10] == kept["reported_at"][:10]


def test_a_run_belongs_to_the_name_of_its_first_reporter_whatever_token_it_goes_with(exposures):
    first, rotated, other, nameless = (
        Holder("read", number, name) for number, name in enumerate(["a", "a", "b", None])
    )
    assert exposures.put("grpo-7", REPORT, first)
    for refused in (other, nameless):
        with pytest.raises(RefusedError, match="belongs to a, ") as told:
            exposures.put("grpo-7", {**REPORT, "num_draws": 0}, refused)
        assert told.value.status == 403
    assert exposures.get("grpo-7")["num_draws"] == 5
    for allowed in (rotated, None, first):
        assert not exposures.put("grpo-7", REPORT, allowed)
        assert exposures.get("grpo-7")["holder"] == "a"


def test_a_run_without_a_name_belongs_to_nobody(exposures, tmp_path):
    named, nameless = Holder("read", 0, "a"), Holder("read", 1)
    exposures.put("by-nobody", REPORT)
    exposures.put("by-a-nameless-token", REPORT, nameless)
    Path(tmp_path, "exposures", "from-before.json").write_text("{}")
    for run in ("by-nobody", "by-a-nameless-token", "from-before"):
        for reporter in (named, nameless, None):
            assert not exposures.put(run, REPORT, reporter)
            assert exposures.get(run)["holder"] is None


def test_the_number_of_runs_is_bounded_but_known_ones_report_on(exposures):
    for run in "abc":
        exposures.put(run, REPORT)
    with pytest.raises(RefusedError, match="3 runs") as refused:
        exposures.put("d", REPORT)
    assert refused.value.status == 409
    assert not exposures.put("a", REPORT)


def test_a_run_that_has_not_reported_is_404(exposures):
    with pytest.raises(RefusedError) as refused:
        exposures.get("other")
    assert refused.value.status == 404
    assert exposures.runs() == []


def test_without_a_store_nothing_is_kept():
    alone = Exposures(None, 3)
    assert alone.runs() == []
    with pytest.raises(RefusedError) as unknown:
        alone.get("a")
    with pytest.raises(RefusedError, match="serve the store") as refused:
        alone.put("a", REPORT)
    assert (unknown.value.status, refused.value.status) == (404, 409)


def test_a_store_that_cannot_be_written_to_says_so(exposures, monkeypatch):
    def fail(*_: object) -> None:
        raise PermissionError("/secret/place")

    monkeypatch.setattr(Location, "write_bytes", fail)
    with pytest.raises(RefusedError, match="PermissionError") as refused:
        exposures.put("a", REPORT)
    assert refused.value.status == 503
    assert "/secret" not in str(refused.value)


def test_a_report_that_someone_altered_is_told(exposures, tmp_path):
    exposures.put("a", REPORT)
    Path(tmp_path, "exposures", "a.json").write_text("{")
    with pytest.raises(RefusedError, match="altered") as refused:
        exposures.get("a")
    assert refused.value.status == 409


def test_other_files_in_the_folder_are_no_runs(exposures, tmp_path):
    exposures.put("a", REPORT)
    for name in (".hidden.json", "b.txt", "b c.json"):
        Path(tmp_path, "exposures", name).write_text("{}")
    assert [entry["run"] for entry in exposures.runs()] == ["a"]


@pytest.mark.parametrize("run", ["a", "grpo-7", "2026-11-21.x_y", "A" * 64])
def test_names_of_runs(run):
    assert re.match(RUN_NAME, run)


@pytest.mark.parametrize("run", ["", ".a", "..", "a/b", "a b", "-a", "A" * 65, "é"])
def test_what_is_no_name_of_a_run(run):
    assert not re.match(RUN_NAME, run)


def test_reports_lie_in_an_object_store_too(s3_uri):
    exposures = Exposures(Location(s3_uri("exposed/store")), 3)
    assert exposures.put("a", REPORT)
    assert not exposures.put("a", REPORT)
    assert exposures.get("a")["num_draws"] == 5
    assert [entry["run"] for entry in exposures.runs()] == ["a"]
