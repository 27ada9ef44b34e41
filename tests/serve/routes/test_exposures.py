from __future__ import annotations

import pytest

from kat_ray.client.exposure import Exposure
from kat_ray.snapshot.weight_table import WeightTable
from serve.messages.exposures import ExposureReport, StoredExposure
from serve.tokens import Tokens
from tests.serve.corpus import IDS

REPORT = ExposureReport.model_config["json_schema_extra"]["examples"][0]


def test_a_report_is_kept_listed_and_read_back(store, start):
    asked = start(store)
    assert asked.get("/v1/exposures").json() == {"runs": []}
    assert asked.put("/v1/exposures/grpo-7", json=REPORT).status_code == 201
    assert asked.put("/v1/exposures/grpo-7", json={**REPORT, "num_draws": 1200}).status_code == 204
    kept = asked.get("/v1/exposures/grpo-7").json()
    assert kept == {**REPORT, "num_draws": 1200, "run": "grpo-7", "reported_at": kept["reported_at"], "holder": None}
    assert [entry["run"] for entry in asked.get("/v1/exposures").json()["runs"]] == ["grpo-7"]


def test_a_run_takes_reports_of_the_name_that_first_reported_it_alone(store, start):
    first, second, other, publisher = ("a" * 20, "b" * 20, "c" * 20, "d" * 20)
    tokens = Tokens.of([f"{first} team-a", f"{second} team-a", f"{other} team-b"], [f"{publisher} admin"])
    asked = start(store, tokens=tokens)

    def report(token: str) -> int:
        bearer = {"Authorization": f"Bearer {token}"}
        answer = asked.put("/v1/exposures/grpo-7", json=REPORT, headers=bearer)
        assert answer.status_code != 403 or "belongs to team-a" in answer.json()["detail"]
        return answer.status_code

    assert [report(token) for token in (first, second, other, publisher)] == [201, 204, 403, 403]
    kept = asked.get("/v1/exposures/grpo-7", headers={"Authorization": f"Bearer {other}"}).json()
    assert StoredExposure(**kept).holder == "team-a"


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
