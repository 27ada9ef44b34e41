from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kat_ray.encoders.encoder import Encoder, EncoderConfig
from kat_ray.encoders.loading import identify_encoder, load_encoder
from kat_ray.errors import EncoderError

_KINDS = ["nanochat", "gpt2", "llama"]
_TEXTS = ["user: what is AI?", "user: a\nassistant: b\nuser: c", "", "x", "日本語のテキスト", "many words " * 60]


def _load(folder: Path, **options: Any) -> Encoder:
    return load_encoder(EncoderConfig(f"checkpoint:{folder}", **{"device": "cpu", "precision": "float32", **options}))


def _vectors(encoder: Encoder, texts: list[str]) -> np.ndarray:
    return encoder.encode(encoder.tokenize(texts))


def _means_by_hand(folder: Path, encoder: Encoder, texts: list[str], layer: str) -> np.ndarray:
    """Unit means of a causal model's output, one text at a time, no padding, no mask."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    rows = []
    for text in texts:
        with torch.no_grad():
            output = model(torch.tensor([encoder.tokenize([text]).ids.tolist()]), output_hidden_states=True)
        states = output.logits if layer == "logits" else output.hidden_states[-1]
        rows.append(torch.nn.functional.normalize(states[0].mean(0), dim=0).numpy())
    return np.stack(rows)


@pytest.mark.parametrize("kind", _KINDS)
def test_a_vector_is_the_mean_of_the_last_hidden_states(save_checkpoint: Callable[..., Path], kind: str) -> None:
    folder = save_checkpoint(kind)
    encoder = _load(folder)
    vectors = _vectors(encoder, _TEXTS)
    assert vectors.shape == (len(_TEXTS), 32)
    np.testing.assert_allclose(vectors, _means_by_hand(folder, encoder, _TEXTS, "hidden"), atol=1e-5)


@pytest.mark.parametrize("kind", _KINDS)
def test_logits_are_an_option_with_their_own_identity(save_checkpoint: Callable[..., Path], kind: str) -> None:
    folder = save_checkpoint(kind)
    encoder = _load(folder, pooling="logits")
    assert (encoder.identity.pooling, encoder.identity.dimension) == ("logits", 400)
    assert encoder.identity.revision != _load(folder).identity.revision
    vectors = _vectors(encoder, _TEXTS)
    np.testing.assert_allclose(vectors, _means_by_hand(folder, encoder, _TEXTS, "logits"), atol=1e-5)


@pytest.mark.parametrize("kind", _KINDS)
def test_a_vector_does_not_depend_on_its_batch(save_checkpoint: Callable[..., Path], kind: str) -> None:
    encoder = _load(save_checkpoint(kind))
    alone = np.concatenate([_vectors(encoder, [text]) for text in _TEXTS])
    np.testing.assert_allclose(_vectors(encoder, _TEXTS), alone, atol=1e-5)
    again = _vectors(encoder, _TEXTS)
    assert again.tobytes() == _vectors(encoder, _TEXTS).tobytes()


def test_a_zero_head_gives_good_hidden_states_and_no_logits(save_checkpoint: Callable[..., Path]) -> None:
    folder = save_checkpoint("nanochat", lambda model: model.lm_head.weight.data.zero_())
    vectors = _vectors(_load(folder), _TEXTS)
    cosines = (vectors @ vectors.T)[~np.eye(len(_TEXTS), dtype=bool)]
    assert cosines.max() < 0.999
    with pytest.raises(EncoderError, match="a vector of length 0"):
        _vectors(_load(folder, pooling="logits"), _TEXTS)


def test_a_large_vocabulary_is_sketched(save_checkpoint: Callable[..., Path]) -> None:
    encoder = _load(save_checkpoint("nanochat", vocab_size=3000), pooling="logits")
    vectors = _vectors(encoder, _TEXTS)
    assert vectors.shape == (len(_TEXTS), 1024) == (len(_TEXTS), encoder.identity.dimension)


def test_reduced_precision_keeps_directions(save_checkpoint: Callable[..., Path]) -> None:
    folder = save_checkpoint("nanochat")
    exact, reduced = _vectors(_load(folder), _TEXTS), _vectors(_load(folder, precision="auto"), _TEXTS)
    assert (exact * reduced).sum(axis=1).min() > 0.999


def test_truncation_is_counted_and_the_limit_is_that_of_the_model(save_checkpoint: Callable[..., Path]) -> None:
    folder = save_checkpoint("llama")
    assert _load(folder).identity.token_limit == 128
    tokens = _load(folder, token_limit=5).tokenize(_TEXTS)
    assert tokens.lengths.max() == 5
    assert (tokens.full_lengths >= tokens.lengths).all()
    assert tokens.full_lengths.max() > 100
    with pytest.raises(EncoderError, match="has 128 positions"):
        _load(folder, token_limit=129)


def test_the_limit_is_512_where_the_model_has_more_positions(save_checkpoint: Callable[..., Path]) -> None:
    folder = save_checkpoint("nanochat", max_position_embeddings=1000)
    assert identify_encoder(EncoderConfig(f"checkpoint:{folder}", device="cpu")).token_limit == 512


def test_the_name_of_a_special_token_in_a_text_stays_text(save_checkpoint: Callable[..., Path]) -> None:
    tokens = _load(save_checkpoint("gpt2")).tokenize(["user: <|user_start|>"])
    assert 1 not in tokens.ids


def test_weights_decide_the_identity(save_checkpoint: Callable[..., Path]) -> None:
    folder = save_checkpoint("gpt2")
    other = save_checkpoint("gpt2", lambda model: model.transformer.h[0].mlp.c_fc.weight.data.mul_(2))
    config = {"device": "cpu", "precision": "float32"}
    first, second = (identify_encoder(EncoderConfig(f"checkpoint:{path}", **config)) for path in (folder, other))
    assert first.revision != second.revision
    assert first == _load(folder).identity


def test_missing_weights_are_an_error_and_never_random(save_checkpoint: Callable[..., Path]) -> None:
    folder = save_checkpoint("llama")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(EncoderError, match=r"lacks .* of the weights .* random there"):
        _load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "no-such-thing"}, "transformers cannot use"),
        ({"hidden_size": 48}, "Cannot load the model"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    save_checkpoint: Callable[..., Path], change: dict[str, Any], message: str
) -> None:
    folder = save_checkpoint("llama")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(EncoderError, match=message):
        _load(folder)


def test_first_token_pooling_is_not_for_causal_models(save_checkpoint: Callable[..., Path]) -> None:
    with pytest.raises(EncoderError, match="no cls pooling"):
        _load(save_checkpoint("gpt2"), pooling="cls")
