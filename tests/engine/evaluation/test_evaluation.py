"""Encoders side by side on a cluster: what is left behind, what they are compared with, what is refused before work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.engine.build import build
from kat_ray.engine.build_options import BuildConfig
from kat_ray.engine.evaluation import evaluation
from kat_ray.engine.evaluation.evaluation import evaluate
from kat_ray.engine.evaluation.options import Drawing, EvaluationConfig
from kat_ray.engine.evaluation.subject import TextSubject
from kat_ray.engine.session import Device
from kat_ray.engine.tasks import run_with_progress
from kat_ray.errors import EncoderError, InputError, KatRayError, ResourceError
from kat_ray.evaluation.rarity import prompt_weights
from kat_ray.geometry.weights import WeightConfig
from kat_ray.pairs.exchanges import write_exchanges
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location
from tests.engine.conftest import make_texts, row, start_cluster, write_rows

HASHING = EncoderConfig("hashing")
NO_MAPS = Drawing(skip_tsne=True, skip_umap=True)
OF_ONE = {"similarity_distribution.png", "similarity_heatmap.png", "top_k_predictions.png"}
OF_ALL = {"index.html", "evaluation.json", "report.txt"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    cluster = start_cluster({"num_cpus": 2})
    yield cluster.address
    cluster.shutdown()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("data") / "queries.jsonl"
    write_exchanges(Location(str(path)), 48, seed=3)
    return str(path)


@pytest.fixture(scope="module")
def store(address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("built")
    pairs = write_rows(folder / "pairs.jsonl", [row(text, chosen="yes") for text in make_texts(90)])
    build(BuildConfig((str(pairs),), str(folder / "store"), encoder="hashing", weight_power=2.0, address=address))
    return str(folder / "store")


@pytest.fixture(scope="module")
def vectors(data: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Those of the hashing encoder, with noise."""
    _, texts = TextSubject.of(data, 500)
    encoder, random = load_encoder(EncoderConfig("hashing", device="cpu")), np.random.default_rng(1)
    made = [encoder.encode(encoder.tokenize(part)) for part in (texts.queries, texts.documents)]
    noisy = [torch.from_numpy(rows + random.normal(scale=0.05, size=rows.shape)).float() for rows in made]
    path = tmp_path_factory.mktemp("vectors") / "noisy.pt"
    torch.save(dict(zip(("query", "positive"), noisy, strict=True)), path)
    return str(path)


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_one_encoder_leaves_its_files_in_the_folder_itself(
    address: str, data: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = EvaluationConfig(str(tmp_path), data, (HASHING,), drawing=NO_MAPS, address=address)
    result = evaluate(config)
    assert files_below(tmp_path) == OF_ONE | OF_ALL == set(result.summary["files"])
    (brief,) = result.summary["evaluations"]
    (numbers,) = json.loads((tmp_path / "evaluation.json").read_text())["evaluations"]
    assert (brief["encoder"], brief["verdict"]) == ("hashing", numbers["verdict"])
    assert brief["margin"] == pytest.approx(numbers["measures"]["margin"]["value"], abs=1e-4)
    assert numbers["data"] == result.summary["data"]
    counts = {"queries": 48, "documents": 96, "hard_negatives": 48, "rows": 48, "rejects": {}}
    assert result.summary["data"].items() >= counts.items()
    assert "evaluate: 100%" in capfd.readouterr().err
    assert "note" not in result.text
    assert all(query["text"] not in result.text for query in numbers["worst_queries"])


def test_several_have_a_folder_each_and_are_compared_with_the_first(
    address: str, data: str, vectors: str, tmp_path: Path
) -> None:
    config = EvaluationConfig(str(tmp_path), data, (HASHING,), (vectors,), drawing=NO_MAPS, address=address)
    result = evaluate(replace(config, max_samples=24))
    own = {"evaluation.json", "report.txt", *OF_ONE}
    folders = ["1-hashing", "2-noisy.pt"]
    assert files_below(tmp_path) == OF_ALL | {f"{folder}/{name}" for folder in folders for name in own}
    assert set(result.summary["files"]) == files_below(tmp_path)
    found = json.loads((tmp_path / "evaluation.json").read_text())
    assert [one["encoder"] for one in found["evaluations"]] == ["hashing", "noisy.pt"]
    assert found["provenance"]["origins"][found["evaluations"][1]["encoder"]] == vectors
    (comparison,) = found["comparisons"]
    margin = comparison["differences"]["margin"]
    assert margin["value"] < 0.0
    assert margin["different"]
    assert found["evaluations"][1]["data"]["queries"] == 24
    assert f"against {found['evaluations'][0]['encoder']}" in (tmp_path / "report.txt").read_text()
    alone = json.loads((tmp_path / "1-hashing" / "evaluation.json").read_text())
    assert alone["evaluations"] == found["evaluations"][:1]


def test_as_many_encoders_are_evaluated_at_once_as_are_asked_for(
    address: str, data: str, vectors: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def run(*arguments: Any, at_once: int | None, **options: Any) -> list[Any]:
        asked.append(at_once)
        return run_with_progress(*arguments, at_once=at_once, **options)

    monkeypatch.setattr(evaluation, "run_with_progress", run)
    config = EvaluationConfig(str(tmp_path), data, (HASHING,), (vectors,), drawing=NO_MAPS, address=address)
    assert len(evaluate(replace(config, workers=1)).summary["evaluations"]) == 2
    assert asked == [1]


@pytest.fixture
def empty_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the working folder of this process, which is not that of the workers."""
    (tmp_path / "models" / "sft").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models" / "sft"


def test_a_relative_model_folder_is_found_by_workers(
    address: str, data: str, tmp_path: Path, empty_model: Path
) -> None:
    encoder = EncoderConfig("checkpoint:models/sft")
    with pytest.raises(EncoderError, match=f"{empty_model} has no tokenizer.json"):
        evaluate(EvaluationConfig(str(tmp_path), data, (encoder,), drawing=NO_MAPS, address=address))


def test_a_build_treats_a_relative_model_folder_likewise(
    address: str, tmp_path: Path, empty_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = write_rows(tmp_path / "pairs.jsonl", [row(text) for text in make_texts(9)])
    config = BuildConfig((str(pairs),), str(tmp_path), encoder="checkpoint:models/sft", address=address)
    with pytest.raises(EncoderError, match=f"{empty_model} has no tokenizer.json"):
        build(config)
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    with pytest.raises(ResourceError, match=r"best.pt is a relative path in a submitted job"):
        build(replace(config, encoder="projection:best.pt"))


def test_a_checkpoint_that_cannot_be_used_is_told_before_any_is_evaluated(
    address: str, data: str, tmp_path: Path
) -> None:
    torch.save({"w": torch.eye(384)[:32]}, tmp_path / "good.pt")
    torch.save({"w": torch.eye(16)}, tmp_path / "bad.pt")
    specs = [f"projection:{tmp_path}/{name}.pt@all-MiniLM-L6-v2" for name in ("good", "bad")]
    config = EvaluationConfig(str(tmp_path / "out"), data, tuple(map(EncoderConfig, specs)), address=address)
    with pytest.raises(EncoderError, match=r"bad.pt takes 16 numbers, but .* gives 384"):
        evaluate(config)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told_first(address: str, data: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = EvaluationConfig(str(tmp_path / "file"), data, (HASHING,), address=address)
    with pytest.raises(ResourceError, match=r"^Cannot write into .*/file \(.*\); name another folder"):
        evaluate(config)


def test_queries_beyond_the_limit_are_told(address: str, data: str, tmp_path: Path) -> None:
    config = EvaluationConfig(str(tmp_path), data, (HASHING,), max_samples=20, drawing=NO_MAPS, address=address)
    told = " ".join(evaluate(config).text.split())
    assert "The first 20 queries; 28 rows with others were left out" in told


@pytest.mark.parametrize(("device", "found"), [("auto", ["cpu", "gpu"]), ("gpu", ["gpu", "gpu"])])
def test_hashing_stays_on_the_cpu_beside_encoders_on_gpus_unless_asked_otherwise(
    device: Device, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "resolve_hardware", lambda *_: "gpu")
    both = (HASHING, EncoderConfig("sentence:all-MiniLM-L6-v2"))
    config = evaluation._on_hardware(EvaluationConfig("out", "data", both, device=device))
    assert [encoder.device for encoder in config.encoders] == found
    assert (config.device, config.drawing.device) == ("gpu", "gpu")


def test_vectors_alone_need_no_data(address: str, vectors: str, tmp_path: Path) -> None:
    both = torch.load(vectors, weights_only=True)
    both["positive"] = both["positive"][: len(both["query"])]
    torch.save(both, tmp_path / "pairs.pt")
    config = EvaluationConfig(str(tmp_path / "out"), vectors=(str(tmp_path / "pairs.pt"),), drawing=NO_MAPS)
    result = evaluate(replace(config, address=address, max_samples=30))
    assert result.summary["data"] == {"queries": 30, "documents": 30, "relevant": 30, "hard_negatives": 0}
    apart = [tmp_path / "queries.npy", tmp_path / "documents.npy"]
    for path, rows in zip(apart, both.values(), strict=True):
        np.save(path, rows.numpy())
    config = replace(config, vectors=(str(apart[0]),), document_vectors=(str(apart[1]),), max_samples=30)
    again = evaluate(replace(config, address=address))
    assert again.summary["evaluations"][0]["margin"] == result.summary["evaluations"][0]["margin"]


def test_a_notice_says_of_whom_it_is_and_stands_with_no_other(
    address: str, data: str, vectors: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: Any, **options: Any) -> list[Any]:
        first, second = run_with_progress(*arguments, **options)
        return [replace(first, notices=["both", "own"]), replace(second, notices=["both"])]

    monkeypatch.setattr(evaluation, "run_with_progress", run)
    config = EvaluationConfig(str(tmp_path), data, (HASHING,), (vectors,), drawing=NO_MAPS, address=address)
    evaluate(replace(config, max_samples=24))
    limit = "The first 24 queries; 24 rows with others were left out, and their documents with them (--max-samples)."
    for folder, notices, names in (
        (".", [limit, "both", "hashing: own"], ["hashing", "noisy.pt"]),
        ("1-hashing", [limit, "both", "own"], ["hashing"]),
        ("2-noisy.pt", [limit, "both"], ["noisy.pt"]),
    ):
        told = json.loads((tmp_path / folder / "evaluation.json").read_text())["provenance"]
        assert told["notices"] == notices
        assert list(told["origins"]) == names


def test_documents_that_are_equal_count_as_one_and_this_is_told(address: str, tmp_path: Path) -> None:
    random, names = np.random.default_rng(3), ("good", "collapsed")
    documents = np.repeat(random.normal(size=(30, 32)), 2, axis=0)
    good = np.stack([documents + 0.1 * random.normal(size=documents.shape), documents])
    for name, both in zip(names, (good, np.ones_like(good)), strict=True):
        np.save(tmp_path / f"{name}.npy", both.astype(np.float32))
    files = tuple(str(tmp_path / f"{name}.npy") for name in names)
    config = EvaluationConfig(str(tmp_path / "out"), vectors=files[:1], drawing=NO_MAPS, address=address)
    result = evaluate(config)
    assert result.summary["evaluations"][0]["rank1_share"] == 1.0
    assert result.summary["data"]["documents"] == 30
    assert "30 of 60 documents are equal to earlier ones and count as one" in " ".join(result.text.split())
    (notice,) = json.loads((tmp_path / "out" / "evaluation.json").read_text())["provenance"]["notices"]
    assert notice.startswith("30 of 60 documents are equal")
    both = evaluate(replace(config, vectors=files)).summary["evaluations"]
    assert [one["rank1_share"] for one in both] == [1.0, 0.0]


def test_blank_positives_that_were_left_out_are_told(address: str, tmp_path: Path) -> None:
    rows = [{"query": f"q {row}", "pos": [f"q {row} a", " "]} for row in range(20)]
    (tmp_path / "data.json").write_text(json.dumps(rows))
    config = EvaluationConfig(str(tmp_path / "out"), str(tmp_path / "data.json"), (HASHING,), drawing=NO_MAPS)
    assert "20 blank positives were left out." in evaluate(replace(config, address=address)).text


def test_who_is_rare_is_asked_on_prompts_of_a_snapshot(address: str, data: str, store: str, tmp_path: Path) -> None:
    shorter = replace(HASHING, token_limit=3)
    for encoder, least, most in ((HASHING, 1.0, 1.0), (shorter, -0.5, 0.9)):
        config = EvaluationConfig(str(tmp_path), data, (encoder,), drawing=NO_MAPS, snapshot=store, address=address)
        rarity = evaluate(config).summary["rarity"]
        assert (rarity["num_prompts"], rarity["of_prompts"], rarity["weighting"]["power"]) == (90, 90, 2.0)
        (comparison,) = rarity["comparisons"]
        assert comparison["baseline"] == "hashing (snapshot)"
        assert least <= comparison["rank_correlation"]["value"] <= most + 1e-12
    assert "Who is rare" in (tmp_path / "report.txt").read_text()


def test_a_sample_of_the_prompts_is_weighed_as_the_snapshot_weighs(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from kat_ray.engine.evaluation.prompts import own_weights, sample_prompts

    sample, snapshot = sample_prompts(store, 40, seed=1), Snapshot.open(store)
    assert len(set(sample.rows.tolist())) == 40
    assert sample.texts() == [snapshot.prompts(columns=["text"])["text"][row].as_py() for row in sample.rows.tolist()]
    expected = prompt_weights(np.asarray(snapshot.embeddings[sample.rows]), sample.k, WeightConfig(power=2.0))
    np.testing.assert_allclose(own_weights(sample), expected)
    np.testing.assert_allclose(own_weights(sample_prompts(store, 500, seed=1)), snapshot.weights, rtol=1e-5)
    monkeypatch.setattr(Snapshot, "open", lambda _: snapshot)
    monkeypatch.setitem(snapshot.manifest.diagnostics, "cap", 1.1)  # all who reach it would look equally rare
    capped = sample_prompts(store, 500, seed=1)
    assert capped.weighting.cap is None
    assert np.array_equal(own_weights(capped), own_weights(replace(capped, weighting=WeightConfig(power=2.0))))
    with pytest.raises(InputError, match=r"of 5 prompts of .* expected 20 or more"):
        sample_prompts(store, 5, seed=1)


def test_workers_that_share_only_object_storage_evaluate_checkpoints_there(
    s3_uri: Callable[[str], str], data: str, tmp_path: Path
) -> None:
    place = Location(s3_uri("evaluated"))
    (place / "queries.jsonl").write_bytes(Path(data).read_bytes())
    torch.save({"w": torch.eye(384)[:32]}, tmp_path / "best.pt")
    (place / "best.pt").write_bytes((tmp_path / "best.pt").read_bytes())
    base = "sentence-transformers/all-MiniLM-L6-v2"
    encoders = (HASHING, EncoderConfig(f"projection:{(place / 'best.pt').uri}@{base}"))
    cluster = start_cluster({"num_cpus": 1}, {"num_cpus": 1})
    try:
        config = EvaluationConfig((place / "out").uri, (place / "queries.jsonl").uri, encoders, drawing=NO_MAPS)
        config = replace(config, max_samples=12, address=cluster.address)
        names = [one["encoder"] for one in evaluate(config).summary["evaluations"]]
        assert names == ["hashing", "projection:best.pt"]
        assert (place / "out" / "index.html").read_bytes().startswith(b"<!")
        with pytest.raises(ResourceError, match="is a path of one machine, but the cluster has 2 nodes"):
            evaluate(replace(config, encoders=(EncoderConfig(f"projection:{tmp_path}/best.pt@{base}"),)))
    finally:
        cluster.shutdown()


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"device": "gpu"}, ResourceError, r"Asked for 1 GPU\(s\), but the cluster has 0"),
        ({"encoders": (EncoderConfig("sentence:/no/such/model"),)}, EncoderError, "no model folder"),
        ({"encoders": (HASHING, HASHING)}, InputError, "hashing is named twice"),
        ({"encoders": ()}, InputError, "nothing to evaluate"),
        ({"data": None}, InputError, "needs --data"),
        ({"max_samples": 0}, InputError, "--max-samples is 0, expected at least 1"),
        ({"batch_size": 0}, InputError, "--batch-size is 0"),
        ({"workers": 0}, InputError, "--workers is 0"),
        ({"encoders": (), "vectors": ("e.pt",), "snapshot": "store"}, InputError, "is asked of encoders"),
        ({"vectors": ("a.pt", "b.pt"), "document_vectors": ("c.pt",)}, InputError, "2 files of vectors and 1 of"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(
    change: dict[str, object], kind: type[KatRayError], message: str, address: str, data: str, tmp_path: Path
) -> None:
    fields = {"out": str(tmp_path), "data": data, "encoders": (HASHING,), "drawing": NO_MAPS, "address": address}
    with pytest.raises(kind, match=message):
        evaluate(EvaluationConfig(**{**fields, **change}))  # type: ignore[arg-type]
