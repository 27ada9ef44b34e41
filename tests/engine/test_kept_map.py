"""A map that goes on keeps what stood on it, and takes new prompts in among their kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kat_ray.engine.build import build
from kat_ray.engine.build_options import BuildConfig
from kat_ray.errors import InputError
from kat_ray.snapshot.snapshot import Snapshot
from tests.engine.conftest import make_texts, row, start_cluster, write_rows

TEXTS = make_texts(300, words=12)
NEW = make_texts(20, words=12, seed=4)


class Builder:
    """Builds snapshots of some texts on one cluster."""

    def __init__(self, folder: Path, address: str) -> None:
        self.store, self._folder, self._address = str(folder / "store"), folder, address

    def __call__(self, texts: list[str], status: str = "published", **options: Any) -> Snapshot:
        pairs = write_rows(self._folder / "pairs.jsonl", [row(text) for text in texts])
        done = build(BuildConfig((str(pairs),), self.store, "hashing", address=self._address, **options))
        assert done.published.status == status
        return Snapshot.open(done.location)


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    cluster = start_cluster({"num_cpus": 2})
    yield Builder(tmp_path_factory.mktemp("builds"), cluster.address)
    cluster.shutdown()


@pytest.fixture(scope="module")
def former(builder: Builder) -> Snapshot:
    return builder(TEXTS)


def test_prompts_keep_their_places_and_new_ones_stand_among_their_neighbors(former: Snapshot, builder: Builder) -> None:
    texts = [*NEW[:10], *TEXTS[5:], *NEW[10:]]
    grown = builder(texts, map_of=builder.store)
    rows = {prompt: place for place, prompt in enumerate(former.ids.to_pylist())}
    known = np.array([rows.get(prompt, -1) for prompt in grown.ids.to_pylist()])
    assert (known < 0).sum() == 20
    np.testing.assert_array_equal(grown.layout[known >= 0], former.layout[known[known >= 0]])
    placed = grown.layout[known < 0]
    assert (placed >= former.layout.min(axis=0)).all()
    assert (placed <= former.layout.max(axis=0)).all()
    assert len(np.unique(placed, axis=0)) > 15
    drawn = builder(texts)
    assert drawn.snapshot_id != grown.snapshot_id
    assert not np.array_equal(drawn.layout, grown.layout)


def test_the_same_command_again_finds_its_own_snapshot(former: Snapshot, builder: Builder) -> None:
    texts = [*TEXTS, *NEW[:5]]
    grown = builder(texts, map_of=former.location.uri)
    assert grown.manifest.parameters["map_of"] == former.snapshot_id
    for map_of in (former.location.uri, builder.store):  # the current one is the grown one now
        assert builder(texts, "recognized", map_of=map_of).snapshot_id == grown.snapshot_id


def test_a_map_of_other_vectors_is_refused(former: Snapshot, builder: Builder) -> None:
    with pytest.raises(InputError, match=r"cannot go on.*--map-of"):
        builder(TEXTS, map_of=former.location.uri, token_limit=3)
