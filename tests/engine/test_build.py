"""Wherever and however a build runs, the snapshot has the same id and the same bytes; broken builds go on."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.engine.build import build
from kat_ray.engine.build_options import BuildConfig
from kat_ray.errors import ResourceError
from kat_ray.geometry.neighbors import exact_neighbors
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location
from tests.engine.conftest import JobRun, checksums, make_texts, row, run_job, start_cluster, start_job, write_rows
from tests.engine.disturbance import Disturbance
from tests.engine.head import Head, running_head

MAX_CHECKOUT_BYTES = 20_000_000

TOKEN = "zqxsecret"
"""Stands in every prompt and reply, so that a text that leaks is found."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pairs.jsonl: 150 prompts in five topics, duplicates, one-reply rows and bad rows; shards/: the same in three."""
    folder = tmp_path_factory.mktemp("corpus")
    topics = ["rivers", "violins", "taxes", "mushrooms", "comets"]
    texts = [
        f"What about {topics[index % 5]} {TOKEN} and {text}?" for index, text in enumerate(make_texts(150, words=2))
    ]
    rows = [row(text, "own", chosen=f"yes {TOKEN}", rejected=f"no {TOKEN}") for text in texts]
    lines = [json.dumps(item) for item in [*rows, *rows[:7], row(f"{TOKEN} alone", "other", chosen="x")]]
    lines[20:20] = ["{" + TOKEN, json.dumps({"prompt": None, "chosen": TOKEN})]
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n")
    for number, part in enumerate([lines[:50], lines[50:51], lines[51:]]):
        path = folder / "shards" / f"part-{number}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(part))
    return folder


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    with running_head() as head:
        yield head


@pytest.fixture(scope="module")
def address(head: Head) -> str:
    """A running cluster of one node with two CPUs."""
    return head.address


@pytest.fixture(scope="module")
def ray_folder() -> Iterator[Path]:
    """Where embedded clusters keep their logs; short, since sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="kr-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home directory with the token of some other cluster."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".ray").mkdir()
    (folder / ".ray" / "auth_token").write_text("of another cluster")
    return folder


@pytest.fixture(scope="module")
def embedded(corpus: Path, home: Path, ray_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> JobRun:
    """The reference: one process as a user starts it, one file, two workers, real vectors."""
    arguments = ("--pairs", corpus / "pairs.jsonl", "--out", tmp_path_factory.mktemp("embedded") / "store")
    done = run_job("build", *arguments, RAY_TMPDIR=str(ray_folder), HOME=str(home), RAY_AUTH_MODE=None)
    assert done.code == 0, done.stderr
    return done


def without_rejects(columns: dict[str, str]) -> dict[str, str]:
    """Rejects name files and lines, so that they alone differ when rows are spread over other files."""
    return {name: checksum for name, checksum in columns.items() if name != "rejects"}


def test_the_last_line_has_the_keys_of_the_stable_interface(embedded: JobRun, corpus: Path) -> None:
    summary = embedded.summary
    assert len(embedded.stdout.splitlines()) == 1
    assert (summary["job"], summary["ok"], summary["status"]) == ("build", True, "published")
    assert summary["rows"] == {"input": 160, "accepted": 151, "rejected": 2, "duplicates": 7}
    assert (summary["prompts"], summary["embedded"], summary["reused"]) == (151, 151, 0)
    assert summary["seconds"] > 0
    snapshot = Path(summary["snapshot"])
    assert snapshot.name == summary["snapshot_id"]
    assert json.loads((snapshot.parent / "current").read_text()) == {"snapshot_id": snapshot.name}
    assert Snapshot.open(str(snapshot), verify="checksums").num_prompts == 151


def test_nothing_is_left_in_the_store_but_the_snapshot(embedded: JobRun) -> None:
    store = Path(embedded.summary["snapshot"]).parent
    assert sorted(path.name for path in store.iterdir()) == sorted(["current", embedded.summary["snapshot_id"]])


def test_the_home_directory_and_its_token_stay_as_they_are(embedded: JobRun, home: Path) -> None:
    assert [path.name for path in (home / ".ray").iterdir()] == ["auth_token"]
    assert (home / ".ray" / "auth_token").read_text() == "of another cluster"


def test_no_text_of_prompts_is_in_any_log(embedded: JobRun, ray_folder: Path) -> None:
    logs = [path for path in ray_folder.rglob("*") if path.is_file()]
    assert len(logs) > 5
    assert TOKEN not in embedded.stderr + embedded.stdout
    assert [str(path) for path in logs if TOKEN.encode() in path.read_bytes()] == []


def test_a_joined_cluster_one_worker_and_shards_give_the_same_bytes(
    embedded: JobRun, corpus: Path, address: str, tmp_path: Path
) -> None:
    config = BuildConfig((str(corpus / "shards"),), str(tmp_path), address=address, workers=1)
    result = build(config)
    assert result.published.snapshot_id == embedded.summary["snapshot_id"]
    expected = checksums(Path(embedded.summary["snapshot"]))
    assert without_rejects(checksums(Path(result.location.path))) == without_rejects(expected)


def test_an_equal_build_is_recognized_whatever_its_files_are_called(
    embedded: JobRun, corpus: Path, address: str, tmp_path: Path
) -> None:
    copy = shutil.copy(corpus / "pairs.jsonl", tmp_path / "copy.jsonl")
    snapshot = Path(embedded.summary["snapshot"])
    manifest = (snapshot / "manifest.json").read_bytes()
    result = build(BuildConfig((str(copy),), str(snapshot.parent), address=address))
    assert (result.published.status, result.embedded) == ("recognized", 0)
    assert result.as_summary()["reused"] == 151
    assert (snapshot / "manifest.json").read_bytes() == manifest
    assert not (snapshot.parent / ".work").exists()


def test_a_submitted_job_gives_the_same_bytes(embedded: JobRun, corpus: Path, head: Head, tmp_path: Path) -> None:
    done = head.submit("python", "-m", "jobs.build", "--pairs", corpus / "pairs.jsonl", "--out", tmp_path)
    assert done.code == 0, done.stdout + done.stderr
    assert done.summary["snapshot_id"] == embedded.summary["snapshot_id"]
    assert checksums(Path(done.summary["snapshot"])) == checksums(Path(embedded.summary["snapshot"]))
    [copy] = [path for path in head.folder.glob("session_2*/runtime_resources/working_dir_files/*") if path.is_dir()]
    assert sum(path.stat().st_size for path in copy.rglob("*") if path.is_file()) < MAX_CHECKOUT_BYTES
    assert {"jobs", "kat_ray"} <= {path.name for path in copy.iterdir()}


def test_a_relative_path_in_a_submitted_job_is_an_error_that_names_the_fix(head: Head) -> None:
    done = head.submit("python", "-m", "jobs.build", "--pairs", "README.md", "--out", "store", "--encoder", "hashing")
    assert done.code != 0
    assert "README.md is a relative path in a submitted job" in done.summary["error"]
    assert "s3://" in done.summary["error"]


def test_several_nodes_that_share_only_object_storage_give_the_same_bytes(
    embedded: JobRun, corpus: Path, s3_uri: Callable[[str], str], tmp_path: Path
) -> None:
    cluster = start_cluster({"num_cpus": 1}, {"num_cpus": 1})
    try:
        pairs, store = s3_uri("input/pairs.jsonl"), s3_uri("store")
        Location(pairs).write_bytes((corpus / "pairs.jsonl").read_bytes())
        result = build(BuildConfig((pairs,), store, address=cluster.address))
        assert result.published.snapshot_id == embedded.summary["snapshot_id"]
        manifest = json.loads((result.location / "manifest.json").read_bytes())
        found = {column["name"]: column["checksum"] for column in manifest["columns"]}
        assert found == checksums(Path(embedded.summary["snapshot"]))
        assert Snapshot.open(store, verify="checksums").snapshot_id == result.published.snapshot_id
        with pytest.raises(ResourceError, match="is a path of one machine, but the cluster has 2 nodes"):
            build(BuildConfig((pairs,), str(tmp_path), address=cluster.address))
    finally:
        cluster.shutdown()


def test_a_grown_corpus_with_other_weights_embeds_only_what_is_new(
    embedded: JobRun, corpus: Path, address: str, tmp_path: Path
) -> None:
    more = write_rows(tmp_path / "more.jsonl", [row(text) for text in make_texts(10, seed=9)])
    pairs, store = (str(corpus / "pairs.jsonl"), str(more)), str(Path(embedded.summary["snapshot"]).parent)
    result = build(BuildConfig(pairs, store, address=address, weight_power=4.0))
    assert (result.published.status, result.embedded) == ("published", 10)
    assert result.as_summary()["reused"] == embedded.summary["prompts"]
    assert Snapshot.open(store).snapshot_id == result.published.snapshot_id
    assert Snapshot.open(embedded.summary["snapshot"], verify="checksums").num_prompts == 151


def break_off(pairs: Path, store: Path, number: signal.Signals, count: int = 1) -> int:
    """Starts a build, ends it by a signal as soon as `count` blocks are embedded, and returns its exit code."""
    process = start_job("build", "--pairs", pairs, "--out", store, "--encoder", "hashing")
    below: list[psutil.Process] = []

    def end() -> None:
        below.extend(psutil.Process(process.pid).children(recursive=True))
        process.send_signal(number)

    with Disturbance(store / ".work", count, end):
        process.wait(timeout=250)
    agents = [child for child in below if child.is_running() and "Agent" in child.name()]  # Ray's take a minute to end
    _, alive = psutil.wait_procs(set(below) - set(agents), timeout=60)
    assert not alive, "workers outlived their driver"
    return process.returncode


def test_a_killed_driver_is_continued_with_the_blocks_that_were_in_flight(address: str, tmp_path: Path) -> None:
    texts = make_texts(2048 + 60, words=120)
    pairs = write_rows(tmp_path / "pairs.jsonl", [row(text) for text in texts])
    assert break_off(pairs, tmp_path / "store", signal.SIGKILL) == -signal.SIGKILL
    continued = build(BuildConfig((str(pairs),), str(tmp_path / "store"), encoder="hashing", address=address))
    # Both blocks were in flight; workers may finish theirs after the driver is gone, but never are both redone.
    assert continued.embedded in (0, 60, 2048)
    assert not (tmp_path / "store" / ".work").exists()
    snapshot = Snapshot.open(str(continued.location), verify="checksums")
    encoder = load_encoder(EncoderConfig(spec="hashing"))
    np.testing.assert_array_equal(snapshot.embeddings, encoder.encode(encoder.tokenize(texts)))
    graph = exact_neighbors(snapshot.embeddings, snapshot.neighbor_indices.shape[1])
    np.testing.assert_array_equal(snapshot.neighbor_indices, graph.indices)


@pytest.mark.long
def test_a_build_that_was_killed_twice_has_the_bytes_of_an_undisturbed_one(address: str, tmp_path: Path) -> None:
    pairs = write_rows(tmp_path / "pairs.jsonl", [row(text) for text in make_texts(12 * 2048, words=80)])
    assert break_off(pairs, tmp_path / "store", signal.SIGINT) == 130
    assert break_off(pairs, tmp_path / "store", signal.SIGKILL, count=6) == -signal.SIGKILL
    options = {"encoder": "hashing", "address": address}
    continued = build(BuildConfig((str(pairs),), str(tmp_path / "store"), **options))
    assert continued.embedded <= 6 * 2048
    undisturbed = build(BuildConfig((str(pairs),), str(tmp_path / "undisturbed"), **options))
    assert checksums(Path(continued.location.path)) == checksums(Path(undisturbed.location.path))


def test_hardware_that_is_missing_is_an_error_in_seconds(corpus: Path, address: str, tmp_path: Path) -> None:
    pairs = (str(corpus / "pairs.jsonl"),)
    with pytest.raises(ResourceError, match=r"Asked for 1 GPU\(s\), but the cluster has 0"):
        build(BuildConfig(pairs, str(tmp_path), device="gpu", address=address))
    with pytest.raises(ResourceError, match=r"Asked for 5 CPU\(s\), but the cluster has 2"):
        build(BuildConfig(pairs, str(tmp_path), workers=5, encoder="hashing", address=address))
    assert not list(tmp_path.iterdir())


def test_a_failed_job_says_why_in_one_sentence(head: Head, tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text("{broken\n")
    arguments = ("--pairs", tmp_path / "pairs.jsonl", "--out", tmp_path / "store", "--encoder", "hashing")
    done = run_job("build", *arguments, "--address", head.address)
    assert done.code == 1
    assert done.summary == {"job": "build", "ok": False, "error": done.summary["error"]}
    assert done.summary["error"].startswith("None of the 1 input rows is valid.")
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().endswith(done.summary["error"])
