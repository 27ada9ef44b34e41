"""One prompt with all that the snapshot knows of it: conversation, pairs, numbers, neighbors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.errors import SnapshotError
from kat_ray.snapshot.lineage import Edit, edits
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.weight_table import WeightTable
from serve.once import Once
from serve.refusals import RefusedError
from serve.services.points import Points
from serve.services.texts import Texts

MOST_PAIRS = 100
"""Pairs shown of one prompt."""

_COLUMNS = ["id", "text", "messages", "source", "sources", "num_pairs", "num_complete_pairs"]
_PAIR_COLUMNS = ["messages", "chosen", "rejected", "source"]


class Prompts:
    """Prompts of one snapshot by id."""

    def __init__(self, snapshot: Snapshot, table: WeightTable, texts: Texts, points: Points) -> None:
        self._snapshot = snapshot
        self._table = table
        self._texts = texts
        self._points = points
        self._terms = Once(lambda: {item["label"]: item["terms"] for item in snapshot.cluster_table})
        self._edits: Once[list[Edit]] = Once(lambda: edits(snapshot))

    def prompt(self, prompt_id: str) -> dict[str, Any]:
        """The whole conversation, the first pairs, and every number.

        Raises:
            RefusedError: the snapshot has no such prompt.
        """
        row = self._row(prompt_id)
        snapshot = self._snapshot
        stored = snapshot.prompts(np.array([row]), _COLUMNS).to_pylist()[0]
        pairs = snapshot.pairs_of(row)
        cluster = int(snapshot.clusters[row])
        return {
            **stored,
            **self._numbers(row),
            "row": row,
            "point": self._points.place(row),
            "density": float(snapshot.density[row]),
            "edit_factors": self._factors(row),
            "cluster": cluster,
            "cluster_terms": self._terms().get(cluster, []),
            "duplicate_of": snapshot.ids[int(snapshot.duplicates[row])].as_py(),
            "pairs": pairs.slice(0, MOST_PAIRS).select(_PAIR_COLUMNS).to_pylist(),
            "more_pairs": max(0, pairs.num_rows - MOST_PAIRS),
        }

    def neighbors(self, prompt_id: str, limit: int) -> dict[str, Any]:
        """The stored nearest prompts, nearest first.

        Raises:
            RefusedError: the snapshot has no such prompt.
        """
        row = self._row(prompt_id)
        rows = np.asarray(self._snapshot.neighbor_indices[row, :limit], np.int64)
        found = self.briefs(rows)
        for brief, distance in zip(found, self._snapshot.neighbor_distances[row, :limit].tolist(), strict=True):
            brief["distance"] = distance
        return {"id": prompt_id, "neighbors": found}

    def texts(self, ids: Sequence[str]) -> dict[str, Any]:
        """The whole text, the source and the numbers of many prompts, each once in the order asked for, and the ids
        that the snapshot does not have."""
        ids = list(dict.fromkeys(ids))
        rows = self._table.lookup(ids).rows
        found = self._records(rows[rows >= 0], "text", self._texts.texts)
        return {"prompts": found, "missing": [name for name, row in zip(ids, rows.tolist(), strict=True) if row < 0]}

    def briefs(self, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
        """What a list shows of each row: id, beginning of the text, source, numbers, place in the point cloud."""
        return self._records(rows, "preview", self._texts.previews)

    def _records(
        self, rows: NDArray[np.int64], key: str, read: Callable[[NDArray[np.int64]], list[str]]
    ) -> list[dict[str, Any]]:
        ids = self._snapshot.ids.take(rows).to_pylist()
        shown = zip(ids, read(rows), self._texts.sources(rows), rows.tolist(), strict=True)
        return [
            {"id": name, key: text, "source": source, "point": self._points.place(row), **self._numbers(row)}
            for name, text, source, row in shown
        ]

    def _numbers(self, row: int) -> dict[str, float]:
        weight = float(self._table.weights[row])
        return {
            "weight": weight,
            "loss_weight": weight * self._table.num_prompts,
            "density_percentile": float(self._table.density_percentile[row]),
        }

    def _factors(self, row: int) -> list[float] | None:
        """What edits multiplied the weight by; None while a snapshot that this one came from is not whole."""
        try:
            return [edit.factor for edit in self._edits() if edit.named[row]]
        except SnapshotError:
            return None

    def _row(self, prompt_id: str) -> int:
        row = int(self._table.lookup([prompt_id]).rows[0])
        if row < 0:
            raise RefusedError(404, f"Snapshot {self._snapshot.snapshot_id} has no prompt of this id.")
        return row
