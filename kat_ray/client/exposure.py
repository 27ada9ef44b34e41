"""What a run was really trained on, against what the weights say: counts by prompt, and an alarm when they disagree.

Knows ids and one weight table; nothing of trainers, who call `record` with the prompts they have used.

The test is Pearson's chi-square. Its hypothesis is that each draw is made by weight, independently of the others; its
cells are the prompts in order of weight, cut into ten parts that expect equally many draws (fewer while draws are few),
since so draws that ignore the weights stand out most. Right draws that are spread on purpose (systematic, without
replacement) vary less than independent ones, so for them the alarm rings even more rarely than once in 1,000 reports,
and p values near 1 are no fault. It rings for uniform draws, for draws that favor crowded prompts, and for draws from a
lighter or heavier part of the data only. Silence means something from `num_draws_to_notice_uniform` draws on.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, Int64Vector
from kat_ray.client.chi_square import LEAST_EXPECTED, noncentrality, pearson, survival
from kat_ray.client.dataset_weights import WeightSource, dataset_weights, weight_table
from kat_ray.client.weights_client import WeightsClient
from kat_ray.errors import InputError, ServiceError, SnapshotMismatchError
from kat_ray.snapshot.weight_table import WeightTable

ALARM_P_VALUE = 1e-3

_LOG = logging.getLogger(__name__)
_NUM_DECILES = 10
_MOST_CELLS = 10
_MOST_DRAWS = 10**9


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """Expected and observed draws. Deciles are of density over the whole snapshot, the rarest tenth first."""

    snapshot_id: str
    num_draws: int
    """Draws of known prompts: records over the group size."""
    num_unknown: int
    """Further draws of prompts that the snapshot or the data set does not have; they are in no decile."""
    expected: list[float]
    """[10] draws by weight."""
    observed: list[float]
    """[10] draws that were recorded."""
    num_cells: int
    """Cells of the test; with fewer than 2 there is none."""
    chi_square: float
    p_value: float
    """Chance of so large a chi-square for draws by weight, in [0, 1]."""
    alarm: bool
    """p_value < 0.001."""
    num_draws_to_notice_uniform: int | None
    """From about so many draws on, uniform ones raise the alarm in 99 of 100 runs; None: more than 10**9."""

    def __str__(self) -> str:
        verdict = "they do not follow the weights" if self.alarm else "nothing speaks against the weights"
        unknown = f", {self.num_unknown:,} more unknown" if self.num_unknown else ""
        needed = self.num_draws_to_notice_uniform
        is_telling = self.alarm or (needed is not None and self.num_draws >= needed)
        return (
            f"{self.num_draws:,} draws{unknown}: {verdict} (p = {self.p_value:.2g})"
            f"{'' if is_telling else '; too few to tell them from uniform ones'}."
        )

    def as_message(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


class Exposure:
    """A counter of trained-on prompts. One snapshot each: begin another one when the weights are refreshed.

    Example:
        exposure = Exposure(client, ids=dataset_ids, group_size=4)
        exposure.record(ids_of_this_step)
        exposure.send(client, run="grpo-7")
    """

    def __init__(
        self,
        source: WeightSource,
        ids: Sequence[str] | None = None,
        *,
        per_prompt: bool = False,
        group_size: int = 1,
    ) -> None:
        """Count against the weights of a table, or of the one that a client holds now.

        Args:
            source: table or client.
            ids: prompt ids [R] of the training set's rows, of which the draws are made; None: all of the snapshot.
            per_prompt: rows of one prompt share its weight, as in `dataset_weights`.
            group_size: how often one draw is recorded: the number of generations, where each of them is recorded.

        Raises:
            InputError: group_size < 1, or the snapshot has none of the ids.
        """
        if group_size < 1:
            raise InputError(f"The group size is {group_size}, expected at least 1 record a draw.")
        self._table = weight_table(source)
        self.group_size = group_size
        self._shares, self._copies = _shares(self._table, ids, per_prompt)
        self._places = _places(self._table.weights, self._shares)
        self._deciles = np.minimum(self._table.density_percentile * _NUM_DECILES, _NUM_DECILES - 1).astype(np.uint8)
        self._counts = np.zeros(self._table.num_prompts, np.int64)
        self._num_unknown = 0

    @property
    def counts(self) -> Int64Vector:
        """Records [N] of each row of the snapshot, a copy."""
        return self._counts.copy()

    @property
    def num_unknown(self) -> int:
        """Records of prompts that the snapshot or the data set does not have."""
        return self._num_unknown

    def record(self, ids: Sequence[str] | pa.Array) -> None:
        """Count each of these prompt ids once; an id may come several times."""
        rows = self._table.lookup(ids).rows
        known = rows[(rows >= 0) & (self._shares[rows] > 0.0)]
        np.add.at(self._counts, known, 1)
        self._num_unknown += len(rows) - len(known)

    def merge(self, counts: NDArray[np.int64], num_unknown: int = 0) -> None:
        """Add what another process has counted on the same snapshot.

        Raises:
            InputError: counts of another number of prompts.
        """
        if counts.shape != self._counts.shape:
            raise InputError(f"Counts have shape {counts.shape}, expected {self._counts.shape}: another snapshot?")
        self._counts += counts
        self._num_unknown += num_unknown

    def state_dict(self) -> dict[str, Any]:
        """What was counted so far: plain values, two numbers for each prompt that came."""
        rows = np.flatnonzero(self._counts)
        counted = {"rows": rows.tolist(), "counts": self._counts[rows].tolist(), "num_unknown": self._num_unknown}
        return {"snapshot_id": self._table.snapshot_id, "group_size": self.group_size, **counted}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, so that the report of a resumed run covers the whole run; counts so far are replaced.

        Raises:
            SnapshotMismatchError: the state is of another snapshot.
            InputError: it counts groups of another size.
        """
        if (before := state["snapshot_id"]) != self._table.snapshot_id:
            raise SnapshotMismatchError(
                f"The saved counts are of snapshot {before}, these weights of {self._table.snapshot_id}. Open the "
                "saved snapshot by its id, or begin a new exposure."
            )
        if (size := state["group_size"]) != self.group_size:
            raise InputError(f"The saved counts are of groups of {size}, expected {self.group_size}.")
        self._counts = np.zeros_like(self._counts)
        self._counts[state["rows"]] = state["counts"]
        self._num_unknown = int(state["num_unknown"])

    def report(self) -> ExposureReport:
        """What was seen so far. A report at every step is many tests: of 1,000 right ones, about one rings."""
        observed = self._by_decile(self._counts) / self.group_size
        num_draws = float(observed.sum())
        num_cells = _num_cells(num_draws)
        expected = num_draws * self._by_cell(self._shares, num_cells)
        chi_square, degrees = pearson(expected, self._by_cell(self._counts / self.group_size, num_cells))
        p_value = survival(chi_square, degrees) if degrees else 1.0
        return ExposureReport(
            snapshot_id=self._table.snapshot_id,
            num_draws=round(num_draws),
            num_unknown=round(self._num_unknown / self.group_size),
            expected=(num_draws * self._by_decile(self._shares)).tolist(),
            observed=observed.tolist(),
            num_cells=degrees + 1,
            chi_square=chi_square,
            p_value=p_value,
            alarm=p_value < ALARM_P_VALUE,
            num_draws_to_notice_uniform=self._num_draws_to_notice_uniform,
        )

    def send(self, client: WeightsClient, run: str) -> bool:
        """Put the report where the service shows it, under the name of the run; False when that failed.

        A service that is away, or a client of a store, which has none, does not stop the training: the failure is
        logged, the next report holds everything.
        """
        report = self.report()
        if report.alarm:
            _LOG.warning("Exposure of run %s: %s", run, report)
        try:
            client.put(f"/v1/exposures/{quote(run, safe='')}", report.as_message())
        except (ServiceError, InputError) as error:
            _LOG.warning("The exposure of run %s was not sent. %s", run, error)
            return False
        return True

    @cached_property
    def _num_draws_to_notice_uniform(self) -> int | None:
        uniform = self._copies / self._copies.sum()
        counts = range(1, _MOST_CELLS + 1)
        shares = {count: (self._by_cell(self._shares, count), self._by_cell(uniform, count)) for count in counts}
        num_draws = 2.0 * LEAST_EXPECTED
        while num_draws <= _MOST_DRAWS:
            expected, others = (num_draws * share for share in shares[_num_cells(num_draws)])
            distance, degrees = pearson(expected, others)
            if degrees and distance >= noncentrality(ALARM_P_VALUE, degrees):
                return math.ceil(num_draws)
            num_draws *= 1.1
        return None

    def _by_decile(self, values: NDArray[Any]) -> Float64Vector:
        return np.asarray(np.bincount(self._deciles, values, _NUM_DECILES), np.float64)

    def _by_cell(self, values: NDArray[Any], num_cells: int) -> Float64Vector:
        cells = np.minimum((self._places * num_cells).astype(np.int64), num_cells - 1)
        return np.asarray(np.bincount(cells, values, num_cells), np.float64)


def _shares(table: WeightTable, ids: Sequence[str] | None, per_prompt: bool) -> tuple[Float64Vector, Int64Vector]:
    """Probability [N] of each row of the snapshot among the known draws, and how many rows of the training set [N]."""
    if ids is None:
        return np.asarray(table.weights), np.ones(table.num_prompts, np.int64)
    rows, weights = table.lookup(ids).rows, dataset_weights(table, ids, per_prompt).probabilities
    known = rows >= 0
    shares = np.bincount(rows[known], weights[known], table.num_prompts)
    return np.asarray(shares / shares.sum()), np.bincount(rows[known], minlength=table.num_prompts)


def _places(weights: Float64Vector, shares: Float64Vector) -> Float64Vector:
    """Share [N] of the draws that go to heavier prompts, plus half of one's own."""
    order = np.argsort(-weights, kind="stable")
    places = np.empty(len(order))
    places[order] = np.cumsum(shares[order]) - shares[order] / 2.0
    return places


def _num_cells(num_draws: float) -> int:
    return int(min(max(num_draws // LEAST_EXPECTED, 1), _MOST_CELLS))
