"""A failing storage is an error to retry; damaged data are rejects."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from kat_ray.errors import ResourceError
from kat_ray.pairs.guarded import GuardedFile
from kat_ray.pairs.splits import plan_splits
from kat_ray.pairs.tables import TableReader
from kat_ray.storage import Location
from tests.failing_disk import FailingDisk


@pytest.fixture
def table(tmp_path: Path) -> Location:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"prompt": [f"{n} " * 9_000 for n in range(300)]}), path, compression="none")
    return Location(str(path))


def test_a_guarded_file_reads_like_the_file(table: Location) -> None:
    with table.open_input() as stream:
        read = pq.read_table(GuardedFile(stream, table))
    assert read.num_rows == 300


def test_a_failing_storage_is_no_reject(table: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    split = plan_splits([table.uri])[0]
    opened = Location.open_input
    for good_reads in (0, 1, 2):
        monkeypatch.setattr(Location, "open_input", lambda self, count=good_reads: FailingDisk(opened(self), count))
        with pytest.raises(ResourceError, match=r"Reading .*x.parquet failed: connection reset"):
            list(TableReader(split))
