"""Vectors belong to their texts: whatever is lost, reused or spread over workers, the columns have the same bytes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray import cloudpickle
from ray.cluster_utils import Cluster

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.engine import embedding, tasks
from kat_ray.engine.embedding import EmbeddingSummary, embed
from kat_ray.engine.embedding_plan import Places, plan_blocks
from kat_ray.engine.session import session
from kat_ray.errors import EncoderError, ResourceError
from kat_ray.snapshot.columns import PROMPT_BLOCK_ROWS
from kat_ray.storage import Location
from tests.engine.conftest import make_texts, start_cluster, write_texts
from tests.engine.disturbance import Disturbance, kill_one

cloudpickle.register_pickle_by_value(sys.modules[__name__])

CONFIG = EncoderConfig(spec="hashing")
NUM_BLOCKS = 6
TEXTS = make_texts(NUM_BLOCKS * PROMPT_BLOCK_ROWS - 100, words=50)
COLUMNS = ("embeddings.npy", "num_tokens.npy")


def run(
    folder: Path, texts: list[str], workers: int = 2, snapshots: tuple[Path, ...] = (), **config: Any
) -> EmbeddingSummary:
    """The stage below `folder`, with its finished blocks in folder/cache."""
    prompts = folder / "prompts.parquet"
    encoder = EncoderConfig(spec="hashing", **config)
    return embed(
        Location(str(prompts)) if prompts.exists() else write_texts(folder, texts),
        Location(str(folder)),
        encoder,
        load_encoder(encoder).identity,
        Location(str(folder / "cache")),
        [Location(str(snapshot)) for snapshot in snapshots],
        workers,
    )


def assert_same_columns(folder: Path, expected: Path) -> None:
    for name in COLUMNS:
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes of one CPU each; a removed one is noticed soon."""
    cluster = start_cluster({"num_cpus": 1}, {"num_cpus": 1})
    with session(cluster.address):
        yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def undisturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert run(folder, TEXTS).num_embedded == len(TEXTS)
    return folder


def test_rows_are_the_vectors_and_token_counts_of_their_texts(undisturbed: Path) -> None:
    encoder = load_encoder(CONFIG)
    rows = np.arange(0, len(TEXTS), 97)
    tokens = encoder.tokenize([TEXTS[row] for row in rows])
    np.testing.assert_array_equal(np.load(undisturbed / "embeddings.npy")[rows], encoder.encode(tokens))
    np.testing.assert_array_equal(np.load(undisturbed / "num_tokens.npy")[rows], tokens.full_lengths)


def test_one_worker_gives_the_bytes_of_two(undisturbed: Path, tmp_path: Path) -> None:
    run(tmp_path, TEXTS, workers=1)
    assert_same_columns(tmp_path, undisturbed)


def test_only_new_texts_are_encoded_and_the_rest_is_copied(undisturbed: Path, tmp_path: Path) -> None:
    known = [*range(100, 2500), *range(5000, 5010)]
    texts = ["a new text", *(TEXTS[number] for number in known), "another new one"]
    summary = run(tmp_path, texts, snapshots=(undisturbed,))
    assert (summary.num_embedded, summary.num_reused) == (2, len(known))
    encoder = load_encoder(CONFIG)
    new = encoder.tokenize([texts[0], texts[-1]])
    for name, made in (("embeddings", encoder.encode(new)), ("num_tokens", new.full_lengths)):
        column = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_array_equal(column[1:-1], np.load(undisturbed / f"{name}.npy")[known])
        np.testing.assert_array_equal(column[[0, -1]], made)


def test_a_block_that_snapshots_have_whole_is_copied_without_a_worker(undisturbed: Path, tmp_path: Path) -> None:
    texts = [*TEXTS[: 2 * PROMPT_BLOCK_ROWS], "a new text"]
    summary = run(tmp_path, texts, snapshots=(undisturbed,))
    assert (summary.num_embedded, summary.num_reused) == (1, len(texts) - 1)
    assert len(list((tmp_path / "cache").rglob("*.npz"))) == 1
    for name in COLUMNS:
        np.testing.assert_array_equal(np.load(tmp_path / name)[:-1], np.load(undisturbed / name)[: len(texts) - 1])


def test_the_blocks_with_most_text_come_first(tmp_path: Path) -> None:
    texts = [f"{number:07} " + "word " * (number // PROMPT_BLOCK_ROWS) for number in range(3 * PROMPT_BLOCK_ROWS)]
    prompts, work = write_texts(tmp_path, texts), Location(str(tmp_path))
    blocks = plan_blocks(prompts, work, [])
    places = Places(prompts, work, work / "cache", ())
    stage = embedding._EncodingStage(places, CONFIG, 1, blocks)
    assert [block.index for block in stage.remaining()] == [2, 1, 0]


def test_texts_cut_at_the_token_limit_are_counted(cluster: Cluster, tmp_path: Path) -> None:
    texts = ["one", "one two", "one two three", "one two three four"]
    assert run(tmp_path, texts, token_limit=2).num_truncated == 2
    assert np.load(tmp_path / "num_tokens.npy").tolist() == [1, 2, 3, 4]


def test_a_finished_stage_embeds_nothing_and_still_knows_its_counts(cluster: Cluster, tmp_path: Path) -> None:
    first = run(tmp_path, ["one", "two"], token_limit=1)
    again = run(tmp_path, ["one", "two"], token_limit=1)
    assert (first.num_embedded, again.num_embedded, again.num_reused) == (2, 0, 2)
    assert again.num_truncated == first.num_truncated


def test_a_killed_actor_costs_only_the_blocks_in_flight(undisturbed: Path, tmp_path: Path) -> None:
    with Disturbance(tmp_path / "cache", 2, kill_one("_EncodeBlock")) as disturbance:
        summary = run(tmp_path, TEXTS)
    assert summary.num_embedded == len(TEXTS)
    assert not disturbance.rewritten
    assert_same_columns(tmp_path, undisturbed)


@pytest.mark.long
def test_many_killed_actors_cost_no_finished_block(cluster: Cluster, tmp_path: Path) -> None:
    texts = make_texts(40 * PROMPT_BLOCK_ROWS, words=20)
    run(tmp_path / "undisturbed", texts)
    with Disturbance(tmp_path / "disturbed", 4, kill_one("_EncodeBlock"), times=8) as disturbance:
        summary = run(tmp_path / "disturbed", texts)
    assert summary.num_embedded == len(texts)
    assert not disturbance.rewritten
    assert_same_columns(tmp_path / "disturbed", tmp_path / "undisturbed")


def test_a_removed_node_does_not_stop_the_stage(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    node = cluster.list_all_nodes()[-1]
    with Disturbance(tmp_path / "cache", 2, lambda: cluster.remove_node(node, allow_graceful=False)) as disturbance:
        run(tmp_path, TEXTS)
    assert not disturbance.rewritten
    assert_same_columns(tmp_path, undisturbed)
    cluster.add_node(num_cpus=1)


class Deadly:
    """The real worker, but it dies on one block, as by running out of memory."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __call__(self, block: dict[str, Any]) -> dict[str, int]:
        if block["index"] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return embedding._EncodeBlock(*self.arguments)(block)


def test_a_deadly_block_ends_the_stage_and_costs_nothing_else(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = TEXTS[: 3 * PROMPT_BLOCK_ROWS + 5]
    monkeypatch.setattr(embedding, "_EncodeBlock", Deadly)
    monkeypatch.setattr(tasks, "MAX_IDLE_ATTEMPTS", 3)
    with pytest.raises(ResourceError, match=r"1 blocks, .* rows 2,048 to 4,095"):
        run(tmp_path, texts)
    monkeypatch.undo()
    summary = run(tmp_path, texts)
    assert (summary.num_embedded, summary.num_reused) == (PROMPT_BLOCK_ROWS, len(texts) - PROMPT_BLOCK_ROWS)


def test_a_block_that_another_build_took_away_is_made_again(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_attempts, taken = embedding.run_attempts, []

    def robbed(*arguments: Any) -> None:
        run_attempts(*arguments)
        if not taken:
            taken.append(next((tmp_path / "cache").rglob("*.npz")))
            taken[0].unlink()

    monkeypatch.setattr(embedding, "run_attempts", robbed)
    num_rows = PROMPT_BLOCK_ROWS + 5
    run(tmp_path, TEXTS[:num_rows])
    assert taken
    vectors = np.load(undisturbed / "embeddings.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "embeddings.npy"), vectors[:num_rows])


def test_an_encoder_that_cannot_be_loaded_is_an_error_at_once(cluster: Cluster, tmp_path: Path) -> None:
    identity = load_encoder(CONFIG).identity
    missing = EncoderConfig(spec="sentence:./no-such-model")
    folder = Location(str(tmp_path))
    with pytest.raises(EncoderError, match="no-such-model") as caught:
        embed(write_texts(tmp_path, ["Hi"]), folder, missing, identity, folder / "cache", [], 2)
    assert "UDF" not in str(caught.value)
