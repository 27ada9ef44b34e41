from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from kat_ray.errors import InputError
from kat_ray.snapshot.export import FORMATS, export
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location

SEEDS_FILES = [
    "embeddings.npy",
    "ids.json",
    "density_weights.npy",
    "embeddings_metadata.json",
    "embeddings_3d.json",
    "prompts_all.jsonl",
    "prefixes_all.jsonl",
    "prompt_id_map.tsv",
    "prefix_id_map.tsv",
    "stats.txt",
]


def test_each_format_writes_the_files_it_names_and_no_other(store: Store, tmp_path: Path):
    out = Location(str(tmp_path / "out"))
    names = export(Snapshot.open(store.location), out, list(FORMATS))
    assert names == [*SEEDS_FILES, "embeddings.pt", "points.parquet"]
    assert sorted(names) == sorted(path.name for path in (tmp_path / "out").iterdir())


def test_the_tensor_file_loads_without_running_anything(store: Store, tmp_path: Path):
    snapshot = Snapshot.open(store.location)
    export(snapshot, Location(str(tmp_path)), ["pt"])
    content = torch.load(tmp_path / "embeddings.pt", weights_only=True)
    assert set(content) == {"ids", "emb"}
    assert content["ids"] == snapshot.ids.to_pylist()
    assert content["emb"].dtype == torch.float32
    np.testing.assert_array_equal(content["emb"].numpy(), snapshot.embeddings)


def test_an_object_store_receives_the_same_bytes(store: Store, tmp_path: Path, s3_uri: Callable[[str], str]):
    snapshot, remote, local = Snapshot.open(store.location), Location(s3_uri("exports")), Location(str(tmp_path))
    for name in export(snapshot, remote, list(FORMATS)):
        export(snapshot, local, [kind for kind in FORMATS if not (local / name).exists()])
        if name != "embeddings.pt":
            assert (remote / name).read_bytes() == (local / name).read_bytes()
    assert len(remote.children()) == 12


def test_a_failing_export_leaves_no_half_file(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    snapshot = Snapshot.open(store.location)
    blocks = snapshot.prompt_blocks

    def cut(columns: list[str] | None = None):
        yield from itertools.islice(blocks(columns), 2)
        raise OSError("the disk is gone")

    monkeypatch.setattr(snapshot, "prompt_blocks", cut)
    for kind in ("parquet", "seeds"):
        with pytest.raises(OSError, match="the disk is gone"):
            export(snapshot, Location(str(tmp_path / kind)), [kind])
    assert list((tmp_path / "parquet").iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "seeds").iterdir()) == sorted(SEEDS_FILES[:4])


def test_an_unknown_format_names_the_nearest_and_writes_nothing(store: Store, tmp_path: Path):
    with pytest.raises(InputError, match="Did you mean 'parquet'"):
        export(Snapshot.open(store.location), Location(str(tmp_path / "out")), ["seeds", "parket"])
    assert not (tmp_path / "out").exists()


def test_reading_and_exporting_need_no_heavy_library():
    modules = "card, columns, export, inspection, manifest, snapshot, store"
    heavy = "{'torch', 'ray', 'pandas', 'sklearn', 'faiss', 'orjson', 'numba'}"
    code = f"import sys; from kat_ray.snapshot import {modules}; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert found.stdout.strip() == "[]"
