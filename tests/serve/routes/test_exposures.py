from __future__ import annotations

import pytest

from kat_ray.client.exposure import Exposure
from kat_ray.snapshot.weight_table import WeightTable
from serve.messages.exposures import ExposureReport
from tests.serve.corpus import IDS

REPORT = ExposureReport.model_config["json_schema_extra"]["examples"][0]


def test_a_report_is_kept_listed_and_read_back(store, start):
    asked = start(store)
    assert asked.get("/v1/exposures").json() == {"runs": []}
    assert asked.put("/v1/exposures/grpo-7", json=REPORT).status_code == 201
    assert asked.put("/v1/exposures/grpo-7", json={**REPORT, "num_draws": 1200}).status_code == 204
    kept = asked.get("/v1/exposures/grpo-7").json()
    assert kept == {**REPORT, "num_draws": 1200, "run": "grpo-7", "reported_at": kept["reported_at"]}
    assert [entry["run"] for entry in asked.get("/v1/exposures").json()["runs"]] == ["grpo-7"]


def test_what_a_trainer_sends_is_taken(store, start, snapshot):
    exposure = Exposure(WeightTable.from_snapshot(snapshot))
    exposure.record([*IDS[:30], "unknown"])
    answer = start(store).put("/v1/exposures/run", json=exposure.report().as_message())
    assert answer.status_code == 201


@pytest.mark.parametrize("run", ["..", ".hidden", "a b", "%2e%2e", "a" * 65, "a%2fb", "é"])
def test_odd_names_of_runs_reach_no_file(store, start, run):
    asked = start(store)
    assert asked.put(f"/v1/exposures/{run}", json=REPORT).status_code in (404, 405, 422)
    assert asked.get("/v1/exposures").json() == {"runs": []}


@pytest.mark.parametrize(
    "change",
    [{"expected": [1.0] * 9}, {"p_value": 2.0}, {"num_draws": -1}, {"alarm": "no"}, {"text": "more"}],
)
def test_what_is_no_report_is_refused(store, start, change):
    assert start(store).put("/v1/exposures/run", json={**REPORT, **change}).status_code == 422
