"""What a run was really trained on, against what the weights say: counts by prompt, and an alarm when they disagree.

Knows ids and one weight table; nothing of trainers, who call `record` with the prompts they have used.

The test is Pearson's chi-square over the ten deciles of density. Its hypothesis is that each draw is made by weight,
independently of the others. Right draws that are spread on purpose (systematic, without replacement) vary less than
that, so for them the alarm rings even more rarely than once in 1,000 reports, and p values near 1 are no fault. It
rings for draws that ignore the weights, favor crowded prompts, or come from a part of the data only. Deciles that
expect fewer than 5 draws are pooled with the next one. No alarm means something only from `num_draws_to_notice_uniform` on.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, Int64Vector
from kat_ray.client.chi_square import noncentrality, survival
from kat_ray.client.dataset_weights import WeightSource, dataset_weights, weight_table
from kat_ray.client.weights_client import WeightsClient
from kat_ray.errors import InputError, ServiceError
from kat_ray.snapshot.weight_table import WeightTable

ALARM_P_VALUE = 1e-3

_LOG = logging.getLogger(__name__)
_NUM_DECILES = 10
_LEAST_EXPECTED = 5.0  # Cochran's rule for the chi-square approximation
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
    """Cells of the test after pooling; with fewer than 2 there is no test."""
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
        early = self.alarm or (needed is not None and self.num_draws >= needed)
        return (
            f"{self.num_draws:,} draws{unknown}: {verdict} (p = {self.p_value:.2g})"
            f"{'' if early else '; too few to tell them from uniform ones'}."
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
        self._shares = _shares(self._table, ids, per_prompt)
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

    def report(self) -> ExposureReport:
        """What was seen so far. A report at every step is many tests: of 1,000 right ones, about one rings."""
        shares = self._by_decile(self._shares)
        observed = self._by_decile(self._counts) / self.group_size
        expected = shares * observed.sum()
        cells = _pooled(expected, expected, observed)
        chi_square = float(np.sum((cells[1] - cells[0]) ** 2 / cells[0])) if cells.shape[1] > 1 else 0.0
        p_value = survival(chi_square, cells.shape[1] - 1) if cells.shape[1] > 1 else 1.0
        return ExposureReport(
            snapshot_id=self._table.snapshot_id,
            num_draws=round(observed.sum()),
            num_unknown=round(self._num_unknown / self.group_size),
            expected=expected.tolist(),
            observed=observed.tolist(),
            num_cells=cells.shape[1],
            chi_square=chi_square,
            p_value=p_value,
            alarm=p_value < ALARM_P_VALUE,
            num_draws_to_notice_uniform=_draws_to_notice(shares, self._by_decile(self._uniform())),
        )

    def send(self, client: WeightsClient, run: str) -> bool:
        """Put the report where the service shows it, under the name of the run; False when that failed.

        A service that is away does not stop the training: the failure is logged, the next report holds everything.
        """
        report = self.report()
        if report.alarm:
            _LOG.warning("Exposure of run %s: %s", run, report)
        try:
            client.put(f"/v1/exposures/{quote(run, safe='')}", report.as_message())
        except ServiceError as error:
            _LOG.warning("The exposure of run %s was not sent. %s", run, error)
            return False
        return True

    def _uniform(self) -> Float64Vector:
        """Shares of draws that ignore the weights, over the prompts that can be drawn."""
        drawable = self._shares > 0.0
        return drawable / np.count_nonzero(drawable)

    def _by_decile(self, values: NDArray[Any]) -> Float64Vector:
        return np.asarray(np.bincount(self._deciles, values, _NUM_DECILES), np.float64)


def _shares(table: WeightTable, ids: Sequence[str] | None, per_prompt: bool) -> Float64Vector:
    """Probability [N] of each row of the snapshot among the known draws; 0 where the training set has it not."""
    if ids is None:
        return np.asarray(table.weights)
    rows, weights = table.lookup(ids).rows, dataset_weights(table, ids, per_prompt).probabilities
    known = rows >= 0
    shares = np.bincount(rows[known], weights=weights[known], minlength=table.num_prompts)
    return np.asarray(shares / shares.sum())


def _pooled(expected: Float64Vector, *columns: Float64Vector) -> NDArray[np.float64]:
    """Columns over cells that each expect enough draws: neighbors are added up from the left, the rest to the last."""
    starts, gathered = [0], 0.0
    for place, value in enumerate(expected):
        gathered += value
        if gathered >= _LEAST_EXPECTED and expected[place + 1 :].sum() >= _LEAST_EXPECTED:
            starts.append(place + 1)
            gathered = 0.0
    return np.add.reduceat(np.stack(columns), starts, axis=1)


def _draws_to_notice(shares: Float64Vector, others: Float64Vector) -> int | None:
    """About how many draws by the other shares it takes until the test notices that they do not follow `shares`."""
    num_draws = 2.0 * _LEAST_EXPECTED
    while num_draws <= _MOST_DRAWS:
        mine, other = _pooled(shares * num_draws, shares, others)
        distance = num_draws * float(np.sum((other - mine) ** 2 / mine))
        if len(mine) > 1 and distance >= noncentrality(ALARM_P_VALUE, len(mine) - 1):
            return math.ceil(num_draws)
        num_draws *= 1.1
    return None
