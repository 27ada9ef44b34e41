from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kat_ray.encoders import model_files
from kat_ray.encoders.devices import resolve_precision
from kat_ray.encoders.encoder import Encoder, EncoderConfig
from kat_ray.encoders.loading import identify_encoder, load_encoder
from kat_ray.encoders.model_files import MINILM, find_model
from kat_ray.errors import EncoderError, ResourceError

_FLOAT32 = EncoderConfig(device="cpu", precision="float32")


def _has_vnni() -> bool:
    try:
        return resolve_precision(EncoderConfig(precision="int8"), "cpu") == "int8"
    except ResourceError:
        return False


_HAS_VNNI = _has_vnni()
_needs_vnni = pytest.mark.skipif(not _HAS_VNNI, reason="this CPU has no VNNI")


def _vectors(encoder: Encoder, texts: list[str]) -> np.ndarray:
    return encoder.encode(encoder.tokenize(texts))


def _reference(folder: Path, texts: list[str]) -> np.ndarray:
    """What sentence-transformers gives for the model in a folder."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    vectors = model.encode(texts, convert_to_numpy=True, show_progress_bar=False, normalize_embeddings=True)
    return np.asarray(vectors)


def _overlap(first: np.ndarray, second: np.ndarray, k: int = 15) -> float:
    neighbors = [np.argsort(-(rows @ rows.T) + 9 * np.eye(len(rows)), axis=1)[:, :k] for rows in (first, second)]
    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(*neighbors, strict=True)]))


@pytest.fixture(scope="module")
def reference(varied_texts: list[str]) -> np.ndarray:
    return _reference(find_model(MINILM).folder, varied_texts)


def _edit(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_float32_vectors_are_those_of_sentence_transformers(
    minilm: Encoder, varied_texts: list[str], reference: np.ndarray
) -> None:
    vectors = _vectors(minilm, varied_texts)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors, reference, atol=1e-5)


def test_the_automatic_precision_keeps_directions_and_neighbors(varied_texts: list[str], reference: np.ndarray) -> None:
    encoder = load_encoder(EncoderConfig(device="cpu"))
    vectors = _vectors(encoder, varied_texts)
    assert (vectors * reference).sum(axis=1).min() > 0.999
    assert _overlap(vectors, reference) >= 0.96


@_needs_vnni
def test_int8_keeps_directions_and_neighbors(varied_texts: list[str], reference: np.ndarray) -> None:
    encoder = load_encoder(EncoderConfig(device="cpu", precision="int8"))
    vectors = _vectors(encoder, varied_texts)
    assert (vectors * reference).sum(axis=1).mean() > 0.995
    assert _overlap(vectors, reference) >= 0.9


@_needs_vnni
def test_int8_is_another_encoder_that_the_calibration_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(_FLOAT32, precision="int8")
    before = identify_encoder(config)
    assert before.precision == "int8"
    assert before.revision != identify_encoder(_FLOAT32).revision
    monkeypatch.setattr("kat_ray.encoders.sentence.calibration_texts", lambda: ["another text"])
    assert identify_encoder(config).revision != before.revision


def test_a_vector_does_not_depend_on_its_batch(minilm: Encoder, varied_texts: list[str]) -> None:
    together = _vectors(minilm, varied_texts)
    alone = np.concatenate([_vectors(minilm, [text]) for text in varied_texts[::4]])
    np.testing.assert_allclose(together[::4], alone, atol=1e-5)


def test_in_reduced_precision_other_batches_keep_the_direction(varied_texts: list[str]) -> None:
    encoder = load_encoder(EncoderConfig(device="cpu"))
    together = _vectors(encoder, varied_texts)
    apart = np.concatenate([_vectors(encoder, varied_texts[start::8]) for start in range(8)])
    order = np.concatenate([np.arange(len(varied_texts))[start::8] for start in range(8)])
    assert (together[order] * apart).sum(axis=1).min() > 0.9999


def test_bytes_depend_neither_on_threads_nor_on_the_run(varied_texts: list[str]) -> None:
    texts = varied_texts[::2]
    for precision in ("float32", "auto", "int8") if _HAS_VNNI else ("float32", "auto"):
        config = EncoderConfig(device="cpu", precision=precision)  # type: ignore[arg-type]
        runs = [_vectors(load_encoder(replace(config, threads=threads)), texts) for threads in (1, 2, 1)]
        assert runs[0].tobytes() == runs[1].tobytes() == runs[2].tobytes()


def test_order_of_the_texts_permutes_the_rows(minilm: Encoder, varied_texts: list[str]) -> None:
    order = np.random.default_rng(0).permutation(40)
    vectors = _vectors(minilm, varied_texts[:40])
    shuffled = _vectors(minilm, [varied_texts[row] for row in order])
    np.testing.assert_allclose(shuffled, vectors[order], atol=1e-5)


def test_text_beyond_the_limit_is_counted_and_changes_nothing() -> None:
    encoder = load_encoder(replace(_FLOAT32, token_limit=12))
    tokens = encoder.tokenize(["one two three four five six seven eight nine ten " + end for end in ("x", "y z", "")])
    assert tokens.lengths.tolist() == [12, 12, 12]
    assert tokens.full_lengths.tolist() == [13, 14, 12]
    vectors = encoder.encode(tokens)
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_all_spellings_of_minilm_are_one_identity(tmp_path: Path) -> None:
    copied = tmp_path / "my-copy"
    shutil.copytree(find_model(MINILM).folder, copied)
    specs = ["sentence:all-MiniLM-L6-v2", f"sentence:{MINILM}", f"sentence:{copied}"]
    identities = {identify_encoder(replace(_FLOAT32, spec=spec)) for spec in specs}
    assert len(identities) == 1
    identity = identities.pop()
    assert (identity.name, identity.dimension, identity.token_limit, identity.pooling) == (
        f"sentence:{MINILM}",
        384,
        256,
        "mean",
    )


def test_the_identity_is_the_same_when_the_model_comes_from_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = find_model(MINILM).folder
    installed = identify_encoder(_FLOAT32)
    asked: list[Any] = []

    def download(name: str, revision: str, allow_patterns: list[str]) -> str:
        asked.extend([name, revision])
        return str(folder)

    monkeypatch.setattr(model_files, "_MINILM_DISTRIBUTION", "a-distribution-that-is-not-installed")
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert identify_encoder(_FLOAT32) == installed
    assert asked == [MINILM, "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_folder_saved_by_sentence_transformers_gives_its_vectors(
    save_sentence_model: Callable[..., Path], varied_texts: list[str], pooling: str
) -> None:
    folder = save_sentence_model(pooling)
    encoder = load_encoder(replace(_FLOAT32, spec=f"sentence:{folder}"))
    assert (encoder.identity.name, encoder.identity.pooling) == ("sentence:tiny", pooling)
    assert encoder.identity.token_limit == 50
    np.testing.assert_allclose(_vectors(encoder, varied_texts), _reference(folder, varied_texts), atol=1e-5)


def test_settings_that_change_vectors_change_the_revision(save_sentence_model: Callable[..., Path]) -> None:
    folder = save_sentence_model()
    config = replace(_FLOAT32, spec=f"sentence:{folder}")
    before = identify_encoder(config)
    assert identify_encoder(replace(config, pooling="cls")).revision != before.revision
    _edit(folder / "config.json", lambda content: content.update(transformers_version="9.9"))
    assert identify_encoder(config) == before
    _edit(folder / "config.json", lambda content: content.update(hidden_act="relu"))
    assert identify_encoder(config).revision != before.revision


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("modules.json", lambda m: m.append({"path": "3_Dense", "type": "x.models.Dense"}), "Pooling, Dense; only"),
        ("modules.json", lambda m: m[0].update(path="0_Transformer"), "only Transformer"),
        ("1_Pooling/config.json", lambda p: p.update(pooling_mode=["max", "mean"]), "pools by max and mean"),
        ("config_sentence_transformers.json", lambda c: c.update(default_prompt_name="query"), "prompt 'query'"),
    ],
)
def test_a_chain_that_is_not_understood_is_refused(
    save_sentence_model: Callable[..., Path], file: str, change: Callable[[Any], None], message: str
) -> None:
    folder = save_sentence_model()
    _edit(folder / file, change)
    with pytest.raises(EncoderError, match=message):
        identify_encoder(replace(_FLOAT32, spec=f"sentence:{folder}"))


def test_broken_weights_are_an_error_and_not_vectors(save_sentence_model: Callable[..., Path]) -> None:
    def break_weights(bert: Any) -> None:
        bert.embeddings.word_embeddings.weight.data[1000:] = float("nan")

    encoder = load_encoder(replace(_FLOAT32, spec=f"sentence:{save_sentence_model(change=break_weights)}"))
    with pytest.raises(EncoderError, match=r"tiny gives a vector of length nan for text 0"):
        _vectors(encoder, ["what"])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"pooling": "logits"}, "no logits pooling"), ({"token_limit": 513}, "has 512 positions")],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        identify_encoder(replace(_FLOAT32, **options))
