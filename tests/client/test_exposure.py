from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from kat_ray.client.exposure import Exposure, ExposureReport
from kat_ray.client.retries import Retries
from kat_ray.client.transport import HttpTransport
from kat_ray.client.weights_client import WeightsClient
from kat_ray.errors import InputError, SnapshotMismatchError
from kat_ray.geometry.density import density_percentile
from kat_ray.geometry.sampling import DrawMethod
from kat_ray.snapshot.weight_table import WeightTable
from tests.client import service as faulty

N = 4000
UNKNOWN = "no such id"


def _table(power: float) -> WeightTable:
    """Rows of a wide range of densities, in no order."""
    density = np.random.default_rng(1).lognormal(0.0, 0.25, N)
    weights = density**-power
    keys = np.random.default_rng(2).permutation(N).astype(np.uint64)
    return WeightTable("0123456789abcdef", keys, weights / weights.sum(), density_percentile(density), {})


@pytest.fixture(scope="module")
def table() -> WeightTable:
    return _table(1.0)


def _report(table: WeightTable, rows: Any, **options: Any) -> ExposureReport:
    exposure = Exposure(table, **options)
    exposure.record(table.ids(np.asarray(rows, np.int64)))
    return exposure.report()


def _uniform(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, N, n)


def test_expected_and_observed_are_draws_by_decile_of_density_rarest_first(table):
    rows = table.draw(3000, seed=1).rows
    report = _report(table, rows)
    deciles = np.minimum((table.density_percentile * 10).astype(int), 9)
    assert report.observed == np.bincount(deciles[rows], minlength=10).tolist()
    np.testing.assert_allclose(report.expected, 3000 * np.bincount(deciles, table.weights))
    assert report.expected == sorted(report.expected, reverse=True)
    assert (report.num_draws, report.num_unknown, report.num_cells) == (3000, 0, 10)


@pytest.mark.parametrize("method", ["systematic", "with_replacement"])
@pytest.mark.parametrize("n", [300, N, 40_000])
def test_right_draws_raise_no_alarm(method: DrawMethod, n, table):
    assert not any(_report(table, table.draw(n, method, seed).rows).alarm for seed in range(20))


def test_p_values_of_independent_draws_are_even(table):
    p_values = np.array(
        [_report(table, table.draw(2000, "with_replacement", seed).rows).p_value for seed in range(400)]
    )
    counts = np.histogram(p_values, bins=5, range=(0.0, 1.0))[0]
    assert np.sum((counts - 80.0) ** 2 / 80.0) < 18.5  # 0.001 of chi-square with 4 degrees
    assert np.mean(p_values < 1e-3) <= 0.01


def test_spread_draws_vary_less_than_independent_ones(table):
    values = {
        method: np.mean([_report(table, table.draw(N, method, seed).rows).chi_square for seed in range(40)])
        for method in ("systematic", "with_replacement")
    }
    assert values["systematic"] < 2.5
    assert 6.0 < values["with_replacement"] < 12.0


@pytest.mark.parametrize("power", [0.5, 1.0, 4.0])
def test_uniform_draws_raise_the_alarm_from_the_stated_number_on(power):
    table = _table(power)
    needed = _report(table, []).num_draws_to_notice_uniform
    rung = [_report(table, _uniform(needed, seed)).alarm for seed in range(100)]
    assert sum(rung) >= 95
    silent = [_report(table, _uniform(needed // 10, seed)).alarm for seed in range(100)]
    assert sum(silent) < 50


def test_draws_that_favor_crowded_prompts_raise_the_alarm(table):
    inverted = _table(-1.0)
    assert _report(table, inverted.draw(2000, seed=3).rows).alarm


def test_equal_weights_never_tell_themselves_from_uniform():
    assert _report(_table(0.0), _uniform(500, 1)).num_draws_to_notice_uniform is None


def test_draws_from_a_part_of_the_data_raise_the_alarm_unless_the_part_is_named(table):
    part = np.flatnonzero(table.density_percentile > 0.3)
    ids = table.ids(part).to_pylist()
    rows = np.random.default_rng(1).choice(part, 2000, p=table.weights[part] / table.weights[part].sum())
    assert _report(table, rows).alarm
    report = _report(table, rows, ids=ids)
    assert not report.alarm
    assert report.expected[:3] == [0.0, 0.0, 0.0]


def test_prompts_outside_the_named_part_are_unknown(table):
    part = table.ids(np.arange(100)).to_pylist()
    report = _report(table, np.arange(150), ids=part)
    assert (report.num_draws, report.num_unknown) == (100, 50)


@pytest.mark.parametrize("per_prompt", [False, True])
def test_rows_that_share_a_prompt_are_drawn_as_the_data_set_weighs_them(per_prompt, table):
    copies = np.where(table.density_percentile > 0.5, 4, 1)
    ids = np.repeat(np.array(table.ids().to_pylist()), copies).tolist()
    shares = table.weights * (1 if per_prompt else copies)
    rows = np.random.default_rng(1).choice(N, 5000, p=shares / shares.sum())
    assert not _report(table, rows, ids=ids, per_prompt=per_prompt).alarm
    assert _report(table, rows, ids=ids, per_prompt=not per_prompt).alarm


def test_groups_count_as_one_draw(table):
    rows = table.draw(1000, "with_replacement", seed=1).rows
    once, grouped = _report(table, rows), _report(table, np.repeat(rows, 8), group_size=8)
    assert grouped == once
    rung = [_report(table, np.repeat(table.draw(1000, "with_replacement", seed).rows, 8)).alarm for seed in range(10)]
    assert sum(rung) > 5


def test_unknown_prompts_are_counted_apart(table):
    exposure = Exposure(table, group_size=2)
    exposure.record([*table.ids(np.arange(40)).to_pylist(), UNKNOWN, UNKNOWN, "0" * 15, ""])
    assert (exposure.num_unknown, exposure.counts.sum()) == (4, 40)
    report = exposure.report()
    assert (report.num_draws, report.num_unknown) == (20, 2)
    assert "2 more unknown" in str(report)


@pytest.mark.parametrize("n", [0, 1, 9])
def test_a_few_draws_are_no_test(n, table):
    report = _report(table, np.zeros(n, np.int64))
    assert (report.num_cells, report.p_value, report.alarm) == (1, 1.0, False)
    assert "too few to tell them from uniform ones" in str(report)


@pytest.mark.parametrize("n", [12, 30, 80])
def test_steep_weights_tell_themselves_from_uniform_after_a_few_draws(n):
    table = _table(12.0)
    report = _report(table, table.draw(n, "with_replacement", seed=1).rows)
    assert 2 <= report.num_cells <= min(n // 5, 10)
    assert not report.alarm
    assert report.num_draws_to_notice_uniform <= 30
    assert _report(table, _uniform(n, 1)).alarm


def test_a_prompt_that_holds_nearly_all_weight_raises_no_false_alarm():
    weights = np.array([0.999, *[0.001 / 19] * 19])
    table = WeightTable("0123456789abcdef", np.arange(20, dtype=np.uint64), weights, np.linspace(0, 1, 20), {})
    reports = [_report(table, table.draw(200, "with_replacement", seed).rows) for seed in range(50)]
    assert not any(report.alarm for report in reports)
    assert {report.num_cells for report in reports} == {1}


def test_counts_of_several_processes_add_up_to_those_of_one(table):
    rows = table.draw(900, seed=1).rows
    ranks = [Exposure(table) for _ in range(3)]
    for rank, exposure in enumerate(ranks):
        exposure.record([*table.ids(rows[rank::3]).to_pylist(), UNKNOWN])
    for exposure in ranks[1:]:
        ranks[0].merge(exposure.counts, exposure.num_unknown)
    whole = Exposure(table)
    whole.record([*table.ids(rows).to_pylist(), *[UNKNOWN] * 3])
    assert ranks[0].report() == whole.report()
    with pytest.raises(InputError, match="another snapshot"):
        whole.merge(np.zeros(3, np.int64))


def test_a_group_of_nothing_is_refused(table):
    with pytest.raises(InputError, match="group size is 0"):
        Exposure(table, group_size=0)


def test_the_report_is_readable_from_the_service(client, service):
    exposure = Exposure(client)
    exposure.record(client.draw(200, seed=1).ids)
    assert exposure.send(client, "grpo 7/a") is True
    assert service.received == {"grpo%207%2Fa": json.loads(json.dumps(exposure.report().as_message()))}
    assert service.received["grpo%207%2Fa"]["num_draws"] == 200


@pytest.mark.parametrize("fault", [faulty.hang_up, faulty.status(403, "No."), faulty.status(503, "Busy.")])
def test_a_service_that_cannot_take_the_report_stops_no_training(fault, cache, service, caplog):
    client = WeightsClient(HttpTransport(service.url, retries=Retries(count=0)))
    service.always = fault
    assert Exposure(client).send(client, "run") is False
    assert "The exposure of run run was not sent." in caplog.text


def test_an_alarm_is_logged(client, table, caplog):
    exposure = Exposure(table)
    exposure.record(table.ids(_uniform(20_000, 1)))
    exposure.send(client, "run")
    assert "they do not follow the weights" in caplog.text


def test_a_client_of_a_store_has_no_one_to_send_to_and_stops_no_training(store, caplog):
    client = WeightsClient(str(store.location))
    assert Exposure(client).send(client, "run") is False
    assert "no service to send to" in caplog.text


def test_a_resumed_exposure_reports_the_whole_run(table):
    first, second, whole = (Exposure(table, group_size=2) for _ in range(3))
    ids = [*table.ids(table.draw(600, seed=1).rows).to_pylist(), UNKNOWN]
    first.record(ids[301:])
    second.record(ids)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    second.record(ids[:301])
    whole.record(ids)
    assert second.report() == whole.report()


def test_counts_of_another_snapshot_or_group_size_are_not_gone_on_with(table):
    state = Exposure(table).state_dict()
    with pytest.raises(InputError, match="groups of 1, expected 4"):
        Exposure(table, group_size=4).load_state_dict(state)
    with pytest.raises(SnapshotMismatchError, match="Open the saved snapshot by its id"):
        Exposure(table).load_state_dict({**state, "snapshot_id": "f" * 16})
