"""One published snapshot, opened for reading: checked first, then mapped column by column as it is asked for.

Row i of every array belongs to `ids[i]`; joins go by id (`row_of`). Arrays are read-only; on an object store a whole
column is fetched the first time it is used. Knows nothing of how the numbers were made or how they are shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, TypedDict

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq

from kat_ray.arrays import Float32Matrix, Float64Vector, Int32Vector, Int64Vector
from kat_ray.errors import InputError, SnapshotDamagedError, SnapshotMismatchError
from kat_ray.snapshot.column_files import column_file, column_folder
from kat_ray.snapshot.columns import read_blocks, read_npy, read_rows, read_table
from kat_ray.snapshot.inspection import verify_checksums, verify_snapshot
from kat_ray.snapshot.json_form import check_form
from kat_ray.snapshot.keys import Ids, KeyIndex, parse_keys
from kat_ray.snapshot.manifest import Manifest
from kat_ray.snapshot.store import MANIFEST_NAME, Store, read_manifest
from kat_ray.storage import Location


class ClusterRecord(TypedDict):
    """One cluster: its label in `clusters`, its prompts, and the words that set it apart."""

    label: int
    size: int
    terms: list[str]


class Snapshot:
    """Columns of one snapshot. Example: Snapshot.open("s3://bucket/store").weights"""

    def __init__(self, location: Location, manifest: Manifest) -> None:
        self.location = location
        self.manifest = manifest
        self._arrays: dict[str, NDArray[Any]] = {}
        self._footers: dict[str, pq.FileMetaData] = {}

    @classmethod
    def open(
        cls,
        uri: str | Location,
        snapshot_id: str | None = None,
        verify: Literal["sizes", "checksums"] = "sizes",
    ) -> Snapshot:
        """Open a store (its current snapshot, or the one of this id) or one snapshot folder.

        Sizes, headers, row counts and ids are always checked; `verify="checksums"` reads every byte as well.

        Raises:
            SnapshotNotFoundError: there is nothing here, or not this id.
            SnapshotDamagedError: a file is missing, cut, altered or not of its kind.
            SnapshotMismatchError: columns have different numbers of rows.
        """
        location = uri if isinstance(uri, Location) else Location(uri)
        if (location / MANIFEST_NAME).exists():
            manifest = read_manifest(location)
            if snapshot_id not in (None, manifest.snapshot_id):
                raise SnapshotMismatchError(f"{location} is snapshot {manifest.snapshot_id}, not {snapshot_id}.")
        else:
            store = Store(location)
            snapshot_id = snapshot_id or store.current()
            location, manifest = store.folder(snapshot_id), store.manifest(snapshot_id)
        verify_snapshot(location, manifest, checksums=verify == "checksums")
        snapshot = cls(location, manifest)
        snapshot._check_ids()
        return snapshot

    def __repr__(self) -> str:
        place = str(self.location).removesuffix(f"/{self.snapshot_id}")
        size = f"{self.num_prompts:,} prompts x {self.manifest.encoder['dimension']}"
        return f"Snapshot({self.snapshot_id!r}, {size}, {place!r})"

    @property
    def snapshot_id(self) -> str:
        """16 hex digits."""
        return self.manifest.snapshot_id

    @property
    def num_prompts(self) -> int:
        """N."""
        return self.manifest.counts.prompts

    @property
    def embeddings(self) -> Float32Matrix:
        """[N, D] rows of length 1."""
        return self.array("embeddings")

    @property
    def num_tokens(self) -> Int32Vector:
        """[N] tokens before truncation."""
        return self.array("num_tokens")

    @property
    def neighbor_indices(self) -> NDArray[np.int32] | NDArray[np.int64]:
        """[N, K] rows of the nearest other prompts, nearest first."""
        return self.array("neighbor_indices")

    @property
    def neighbor_distances(self) -> Float32Matrix:
        """[N, K] Euclidean distances, ascending."""
        return self.array("neighbor_distances")

    @property
    def density(self) -> Float64Vector:
        """[N] higher is more crowded."""
        return self.array("density")

    @property
    def density_percentile(self) -> Float64Vector:
        """[N] in [0, 1]."""
        return self.array("density_percentile")

    @property
    def weights(self) -> Float64Vector:
        """[N] sampling probabilities, positive, sum 1."""
        return self.array("weights")

    @property
    def duplicates(self) -> Int32Vector:
        """[N] near-duplicate group: the smallest row of the group, so one's own row when there is no other."""
        return self.array("duplicates")

    @property
    def clusters(self) -> Int32Vector:
        """[N] labels of clusters."""
        return self.array("clusters")

    @property
    def layout(self) -> Float32Matrix:
        """[N, 3] in [-1, 1], one scale for all axes."""
        return self.array("layout")

    @cached_property
    def cluster_table(self) -> list[ClusterRecord]:
        """Every cluster with size and terms; terms are words of prompts."""
        file = self._file("cluster_terms")
        content = json.loads(file.read_bytes())
        check_form(content, list[ClusterRecord], file.name)
        return [ClusterRecord(label=item["label"], size=item["size"], terms=item["terms"]) for item in content]

    @cached_property
    def ids(self) -> pa.StringArray:
        """[N] ids of 16 hex digits; `.to_pylist()` gives strings."""
        table = read_table(self._file("prompts"), ["id"])
        return table["id"].combine_chunks() if table["id"].num_chunks != 1 else table["id"].chunk(0)

    def array(self, name: str, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """A stored array by column name, or some of its rows: read-only, and only these rows are fetched.

        Raises:
            SnapshotMismatchError: the snapshot has no such column.
        """
        if name not in self._arrays:
            file = self._file(name)
            if (start, stop) != (0, None):
                return read_npy(file, start, stop)
            self._arrays[name] = read_npy(file)
        return self._arrays[name][start:stop]

    def verify(self, *names: str) -> None:
        """Read every byte of these columns, where `open` has looked at sizes only. Raises as `open`."""
        verify_checksums(self.location, [self.manifest.column(name) for name in names])

    def folder_of(self, name: str) -> Location:
        """The folder that holds a column: this snapshot's, or that of the one it was edited from.

        Raises:
            SnapshotMismatchError: the snapshot has no such column.
        """
        return column_folder(self.location, self.manifest.column(name))

    def row_of(self, ids: Ids) -> Int64Vector:
        """Row [B] of each id; -1 for an unknown one."""
        return self._index.rows(*parse_keys(ids))

    def prompts(self, rows: NDArray[np.int64] | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Prompts in row order, or those of `rows` in the order asked for (`columns.PROMPTS_SCHEMA`)."""
        return self._table("prompts", rows, columns)

    def prompt_blocks(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, pa.Table]]:
        """All prompts, one row group in memory at a time, each with the row it starts at."""
        start = 0
        for table in read_blocks(self._file("prompts"), columns):
            yield start, table
            start += table.num_rows

    def pairs(self, rows: NDArray[np.int64] | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Accepted pairs in order of appearance, or those of `rows` (`columns.PAIRS_SCHEMA`)."""
        return self._table("pairs", rows, columns)

    def pairs_of(self, row: int) -> pa.Table:
        """The accepted pairs of the prompt in a row.

        Raises:
            InputError: there is no such row.
        """
        if not 0 <= row < self.num_prompts:
            raise InputError(f"The snapshot has {self.num_prompts:,} prompts; there is no row {row}.")
        order, prompt_rows = self._pair_index
        first, last = np.searchsorted(prompt_rows, [row, row + 1])
        return self.pairs(order[first:last])

    def rejects(self) -> pa.Table:
        """Refused input rows with file, line and reason (`columns.REJECTS_SCHEMA`)."""
        return self._table("rejects", None, None)

    @cached_property
    def _index(self) -> KeyIndex:
        keys, known = parse_keys(self.ids)
        if not known.all():
            row = int(np.argmin(known))
            raise SnapshotDamagedError(f"Row {row:,} of the prompts has the id {str(self.ids[row])[:80]!r}, not an id.")
        return KeyIndex(keys)

    @cached_property
    def _pair_index(self) -> tuple[Int64Vector, Int64Vector]:
        """Pair rows ordered by prompt, and the prompt row of each."""
        prompt_rows = self.pairs(columns=["prompt_row"])["prompt_row"].to_numpy()
        order = np.argsort(prompt_rows, kind="stable")
        return order, prompt_rows[order]

    def _file(self, name: str) -> Location:
        return column_file(self.location, self.manifest.column(name))

    def _check_ids(self) -> None:
        if (row := self._index.first_duplicate()) is not None:
            raise SnapshotDamagedError(f"The id {self.ids[row]} of row {row:,} belongs to an earlier row too.")

    def _table(self, name: str, rows: NDArray[np.int64] | None, columns: Sequence[str] | None) -> pa.Table:
        file = self._file(name)
        if rows is None:
            return read_table(file, columns)
        if name not in self._footers:
            with file.open_input() as stream:
                self._footers[name] = pq.read_metadata(stream)
        return read_rows(file, rows, columns, self._footers[name])
