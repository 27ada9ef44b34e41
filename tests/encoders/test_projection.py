from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kat_ray.encoders import model_files
from kat_ray.encoders.encoder import Encoder, EncoderConfig
from kat_ray.encoders.loading import identify_encoder, load_encoder, load_tokenizer
from kat_ray.encoders.projection import DEFAULT_BASE, split_target
from kat_ray.errors import EncoderError

_TEXTS = [
    "what is AI?",
    "a longer question, with more words in it and a comma",
    "日本語のテキスト",
    "",
    "many words " * 60,
]
_WIDTH = 24


class Base:
    """A tiny BERT in a folder, and checkpoints over it."""

    def __init__(self, folder: Path, files: Path) -> None:
        self.folder, self._files = folder, files

    @property
    def transformer(self) -> Any:
        from transformers import AutoModel

        return AutoModel.from_pretrained(self.folder).eval()

    def save(self, content: object, name: str = "best.pt") -> Path:
        torch.save(content, self._files / name)
        return self._files / name

    def config(self, path: Path, **options: Any) -> EncoderConfig:
        return EncoderConfig(f"projection:{path}@{self.folder}", **{"device": "cpu", "precision": "float32", **options})

    def load(self, content: object, **options: Any) -> Encoder:
        return load_encoder(self.config(self.save(content), **options))


@pytest.fixture(scope="module")
def base_folder(save_sentence_model: Callable[..., Path]) -> Path:
    return save_sentence_model()


@pytest.fixture
def base(base_folder: Path, tmp_path: Path) -> Base:
    return Base(base_folder, tmp_path)


def _matrix(rows: int = 6, width: int = _WIDTH, seed: int = 1) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def _whole(transformer: Any, matrix: torch.Tensor, prefix: str = "encoder.") -> dict[str, torch.Tensor]:
    """A state dict as the seeds' model has it: transformer and head."""
    states = {f"{prefix}{name}": tensor for name, tensor in transformer.state_dict().items()}
    return {**states, "head.linear.weight": matrix}


def _vectors(encoder: Encoder) -> np.ndarray:
    return encoder.encode(encoder.tokenize(_TEXTS))


def _by_hand(transformer: Any, encoder: Encoder, matrix: torch.Tensor) -> np.ndarray:
    """Unit rows of the projected means of the last hidden states, one text at a time."""
    rows = []
    for text in _TEXTS:
        with torch.no_grad():
            states = transformer(torch.tensor([encoder.tokenize([text]).ids.tolist()])).last_hidden_state
        rows.append(torch.nn.functional.normalize(matrix @ states[0].mean(0), dim=0).numpy())
    return np.stack(rows)


@pytest.mark.parametrize("rows", [4, 128, 256])
def test_a_vector_is_the_projected_mean_of_the_hidden_states_and_the_matrix_says_how_long(
    base: Base, rows: int
) -> None:
    matrix = _matrix(rows)
    encoder = base.load({"projection.weight": matrix})
    vectors = _vectors(encoder)
    assert (vectors.shape, vectors.dtype, encoder.identity.dimension) == ((len(_TEXTS), rows), np.float32, rows)
    np.testing.assert_allclose(vectors, _by_hand(base.transformer, encoder, matrix), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("prefix", ["encoder.", "module.encoder.", ""])
def test_a_transformer_in_the_checkpoint_takes_the_place_of_the_base_s(base: Base, prefix: str) -> None:
    tuned = base.transformer
    with torch.no_grad():
        tuned.embeddings.word_embeddings.weight.add_(0.3 * torch.randn_like(tuned.embeddings.word_embeddings.weight))
    matrix = _matrix()
    encoder = base.load(_whole(tuned, matrix, prefix))
    np.testing.assert_allclose(_vectors(encoder), _by_hand(tuned, encoder, matrix), atol=1e-5)
    assert np.abs(_vectors(encoder) - _vectors(base.load({"w": matrix}))).max() > 0.05


def test_a_linear_layer_with_its_bias_is_a_projection(base: Base) -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(_WIDTH, 6)
    encoder = base.load({"state_dict": layer.state_dict()})
    with torch.no_grad():
        means = [
            base.transformer(torch.tensor([encoder.tokenize([text]).ids.tolist()])).last_hidden_state[0].mean(0)
            for text in _TEXTS
        ]
        expected = torch.nn.functional.normalize(layer(torch.stack(means)), dim=1)
    np.testing.assert_allclose(_vectors(encoder), expected.numpy(), atol=1e-5)
    assert np.abs(_vectors(encoder) - _vectors(base.load({"w": layer.weight}))).max() > 0.01


def test_a_training_checkpoint_is_read_like_its_state_dict(base: Base) -> None:
    state = {"head.linear.weight": _matrix().bfloat16()}
    plain = _vectors(base.load(state))
    training = {"model_state_dict": state, "epoch": 3, "optimizer_state_dict": {"state": {}, "param_groups": []}}
    encoder = base.load(training)
    np.testing.assert_array_equal(_vectors(encoder), plain)
    assert (encoder.epoch, base.load(state).epoch, base.load({**training, "epoch": "3"}).epoch) == (3, None, None)


def test_a_file_of_the_form_before_torch_1_6_is_read_like_a_new_one(base: Base, tmp_path: Path) -> None:
    state = _whole(base.transformer, _matrix())
    torch.save({"model_state_dict": state}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    old = load_encoder(base.config(tmp_path / "old.pth"))
    np.testing.assert_array_equal(_vectors(old), _vectors(base.load(state)))


def test_weights_that_are_never_used_may_be_there_or_not(base: Base) -> None:
    state = _whole(base.transformer, _matrix())
    without = {name: tensor for name, tensor in state.items() if "pooler" not in name}
    older = {**without, "encoder.embeddings.position_ids": torch.arange(50)[None]}
    vectors = [_vectors(base.load(one)) for one in (state, without, older)]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_a_whole_checkpoint_needs_no_weights_of_its_base(base: Base, base_folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in base_folder.glob("*.json"):
        (bare / path.name).write_bytes(path.read_bytes())
    whole, head = _whole(base.transformer, _matrix()), {"w": _matrix()}
    vectors = _vectors(load_encoder(Base(bare, tmp_path).config(base.save(whole))))
    np.testing.assert_array_equal(vectors, _vectors(base.load(whole)))
    with pytest.raises(EncoderError, match=r"holds a projection alone, and its base .* has no weights"):
        load_encoder(Base(bare, tmp_path).config(base.save(head)))


def test_the_identity_is_that_of_the_loaded_encoder_and_tells_all_that_decides_the_vectors(base: Base) -> None:
    config = base.config(base.save({"w": _matrix()}))
    identity = identify_encoder(config)
    assert identity == load_encoder(config).identity
    assert (identity.name, identity.pooling, identity.token_limit) == ("projection:best.pt@tiny", "mean", 50)
    others = [
        base.config(base.save({"w": _matrix(seed=2)}, "other.pt")),
        base.config(base.save(_whole(base.transformer, _matrix()), "whole.pt")),
        base.config(base.save({"w": _matrix()}, "same.pt"), pooling="cls"),
    ]
    assert len({identity.revision, *(identify_encoder(other).revision for other in others)}) == 4


def test_the_tokenizer_alone_is_that_of_the_encoder_and_needs_no_weights(base: Base) -> None:
    config = base.config(base.save({"w": _matrix()}), token_limit=12)
    tokens = load_tokenizer(config)(_TEXTS)
    np.testing.assert_array_equal(tokens.ids, load_encoder(config).tokenize(_TEXTS).ids)
    assert tokens.lengths.max() == 12 < tokens.full_lengths.max()


def test_positions_after_the_padding_do_not_count(tmp_path: Path, base_folder: Path) -> None:
    from transformers import XLMRobertaConfig, XLMRobertaModel

    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    model = XLMRobertaModel(XLMRobertaConfig(**shape, vocab_size=31_000, max_position_embeddings=42, pad_token_id=1))
    model.save_pretrained(tmp_path / "roberta")
    (tmp_path / "roberta" / "tokenizer.json").write_bytes((base_folder / "tokenizer.json").read_bytes())
    encoder = Base(tmp_path / "roberta", tmp_path).load({"w": _matrix(width=8)})
    assert encoder.identity.token_limit == 40
    assert np.isfinite(_vectors(encoder)).all()


def test_without_a_base_it_is_that_of_the_seeds(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(name: str, revision: str | None, patterns: list[str]) -> Path:
        asked.append((name, patterns))
        return base.folder

    monkeypatch.setattr(model_files, "_downloaded", download)
    path = base.save(_whole(base.transformer, _matrix()))
    identity = identify_encoder(EncoderConfig(f"projection:{path}", device="cpu", precision="float32"))
    assert identity.name == "projection:best.pt@BAAI/bge-m3"
    assert asked == [("BAAI/bge-m3", ["*.json"])]


def test_an_at_sign_in_the_path_is_part_of_the_path(base: Base, tmp_path: Path) -> None:
    (tmp_path / "run@home.d").mkdir()
    torch.save({"w": _matrix()}, tmp_path / "run@home.d" / "best.pth")
    assert identify_encoder(base.config(tmp_path / "run@home.d" / "best.pth")).name == "projection:best.pth@tiny"


def test_a_checkpoint_may_lie_in_an_object_store(base: Base, s3_uri: Callable[[str], str]) -> None:
    from kat_ray.storage import Location

    path, place = base.save({"w": _matrix()}), Location(s3_uri("runs")) / "best.pt"
    place.write_bytes(path.read_bytes())
    there = EncoderConfig(f"projection:{place.uri}@{base.folder}", device="cpu", precision="float32")
    assert identify_encoder(there) == identify_encoder(base.config(path))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"w": _matrix(width=32)}, r"takes 32 numbers, but tiny gives 24\..*name that one: projection:CHECKPOINT@BASE"),
        ({"w": _matrix(width=32), "b": torch.zeros(6)}, r"takes 32 numbers, but tiny gives 24"),
        (
            {"w": _matrix(), "b": torch.zeros(5)},
            r"holds w \[6, 24\], b \[5\] besides .* one matrix \[D, H\] and at most its bias \[D\]",
        ),
        ({"w": _matrix(), "b": torch.zeros(6), "c": torch.zeros(6)}, r"holds w .*, b .*, c \[6\] besides"),
        ({"w": _matrix(), "s": torch.tensor(1.0)}, r"holds w .*, s \[\] besides"),
        ({"head.weight": _matrix(), "norm.weight": torch.ones(6)}, r"holds head.weight .*, norm.weight \[6\] besides"),
        ({"head.weight": _matrix(), "norm.bias": torch.ones(6)}, r"holds head.weight .*, norm.bias \[6\] besides"),
        ({"w": _matrix(), "log_var": torch.ones(6)}, r"holds w .*, log_var \[6\] besides"),
        ({"ln": torch.zeros(6)}, r"holds ln \[6\] besides weights of tiny"),
        ({}, "holds nothing besides weights of tiny"),
        ({f"layer.{row}": _matrix() for row in range(9)}, r"holds layer.0 .*, layer.1 .*, layer.2 .*, … besides"),
        ({"w": _matrix() * torch.nan}, "w in .* holds NaN"),
        ({"w": "text"}, "holds no state dict"),
        ({"model_state_dict": [1, 2]}, "holds no state dict"),
        (_matrix(), "holds no state dict"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(base: Base, state: object, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        base.load(state)


def test_a_transformer_of_another_shape_is_refused(base: Base) -> None:
    state = _whole(base.transformer, _matrix())
    words = "encoder.embeddings.word_embeddings.weight"
    with pytest.raises(
        EncoderError, match=r"word_embeddings.weight .* the shape \[7, 24\], in tiny it has \[30522, 24\]"
    ):
        base.load({**state, words: state[words][:7]})
    del state["encoder.encoder.layer.0.output.dense.bias"]
    with pytest.raises(EncoderError, match=r"lacks 1 of the weights of tiny, first encoder.layer.0.output.dense.bias"):
        base.load(state)


class Opener:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("never-made",)


def test_a_file_that_would_run_code_is_refused_unread(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EncoderError, match="not a plain mapping of tensors, so nothing was loaded"):
        base.load({"w": _matrix(), "opener": Opener()})
    assert not (tmp_path / "never-made").exists()
    (tmp_path / "cut.pt").write_bytes(base.save({"w": _matrix()}).read_bytes()[:300])
    with pytest.raises(EncoderError, match=r"cut.pt is not a plain mapping of tensors"):
        load_encoder(base.config(tmp_path / "cut.pt"))


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("best.pt", ("best.pt", DEFAULT_BASE)),
        ("run@home/best.pt@org/base", ("run@home/best.pt", "org/base")),
        ("s3://bucket/best.pt?region=eu@org/base", ("s3://bucket/best.pt?region=eu", "org/base")),
        ("s3://KEY:SECRET@bucket/best.pt", ("s3://KEY:SECRET@bucket/best.pt", DEFAULT_BASE)),
        ("s3://KEY:SECRET@bucket/best.pt@base", ("s3://KEY:SECRET@bucket/best.pt", "base")),
        ("s3://KEY:A.pt@B@bucket/best.pth@a/b", ("s3://KEY:A.pt@B@bucket/best.pth", "a/b")),
    ],
)
def test_a_target_is_parted_behind_the_name_of_its_file(target: str, parts: tuple[str, str]) -> None:
    assert split_target(target) == parts


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("projection:nowhere.pt", "There is no checkpoint"),
        ("projection:weights.safetensors", r"expected a file that ends in .pt or .pth"),
        ("projection:", "Cannot read the projection ''"),
    ],
)
def test_a_spec_without_a_checkpoint_is_refused(spec: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "_downloaded", lambda *asked: pytest.fail(f"The hub was asked for {asked}."))
    with pytest.raises(EncoderError, match=message):
        identify_encoder(EncoderConfig(spec, device="cpu"))


@pytest.mark.parametrize(
    ("options", "message"), [({"pooling": "logits"}, "no logits pooling"), ({"precision": "int8"}, "int8 is for")]
)
def test_options_that_are_not_for_projections_are_refused(base: Base, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        base.load({"w": _matrix()}, **options)
