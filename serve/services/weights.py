"""Weights by ids and draws by weight, in the forms that go over the wire. Knows nothing of HTTP.

Both come from the same table and functions that a trainer's client uses, so both give the same numbers and rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kat_ray.errors import InputError, SamplingError
from kat_ray.geometry.sampling import DrawMethod
from kat_ray.snapshot.keys import Ids
from kat_ray.snapshot.weight_table import Draw, Lookup, WeightTable
from kat_ray.snapshot.wire import decode_ids, encode_lookup
from serve.refusals import RefusedError

_STATUS = ("missing", "present")


class LookedUp(NamedTuple):
    """The bytes or values of an answer, and how many of the ids were there."""

    content: Any
    num_ids: int
    num_present: int


class WeightsService:
    """Look-ups and draws in one snapshot."""

    def __init__(self, table: WeightTable, max_ids: int, max_draws: int) -> None:
        self._table = table
        self._max_ids = max_ids
        self._max_draws = max_draws

    def look_up(self, ids: Ids) -> LookedUp:
        """One record an id, in the order asked for: status, probability, loss weight, density percentile.

        Raises:
            RefusedError: there are no ids, or too many.
        """
        found = self._find(ids)
        columns = (
            ids,
            found.present.tolist(),
            found.weights.tolist(),
            self._table.loss_weights(found).tolist(),
            found.density_percentile.tolist(),
        )
        records = [
            {
                "id": identifier,
                "status": _STATUS[present],
                "probability": probability if present else None,
                "loss_weight": loss_weight,
                "density_percentile": percentile if present else None,
            }
            for identifier, present, probability, loss_weight, percentile in zip(*columns, strict=True)
        ]
        content = {"snapshot_id": self._table.snapshot_id, "weights": records}
        return LookedUp(content, len(records), int(found.present.sum()))

    def look_up_binary(self, message: bytes) -> LookedUp:
        """The same as Arrow streams, both ways (`kat_ray.snapshot.wire`).

        Raises:
            RefusedError: the message is not one of ids, or has none, or too many.
        """
        try:
            keys = decode_ids(message)
        except InputError:
            raise RefusedError(
                422,
                "The body is not an Arrow stream of ids; expected one column, key: uint64 or id: string, "
                "without compression or dictionaries.",
            ) from None
        found = self._find(keys)
        answer = encode_lookup(self._table.snapshot_id, found, self._table.loss_weights(found))
        return LookedUp(answer, len(keys), int(found.present.sum()))

    def draw(self, n: int, seed: int, epoch: int, method: DrawMethod) -> Draw:
        """n prompts by weight, the same on every replica and in every client.

        Raises:
            RefusedError: n is too large, for this service or for distinct prompts of this snapshot.
        """
        if n > self._max_draws:
            raise RefusedError(422, f"n is {n:,}, expected at most {self._max_draws:,}; draw in several epochs.")
        try:
            return self._table.draw(n, method, seed, epoch)
        except SamplingError as error:
            raise RefusedError(409, str(error)) from None

    def _find(self, ids: Ids) -> Lookup:
        if not 1 <= len(ids) <= self._max_ids:
            raise RefusedError(422, f"There are {len(ids):,} ids, expected 1 to {self._max_ids:,}.")
        return self._table.lookup(ids)
