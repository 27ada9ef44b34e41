from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kat_ray.encoders.batched_encoder import BatchedEncoder
from kat_ray.encoders.encoder import Encoder, EncoderConfig, Tokens
from kat_ray.encoders.loading import load_encoder, load_tokenizer
from kat_ray.encoders.model_files import MINILM, find_model
from kat_ray.encoders.torch_engine import TorchEngine, sketch

_TEXTS = 32


def _encode(minilm: Encoder, engine: TorchEngine, texts: list[str]) -> np.ndarray:
    return BatchedEncoder(minilm.identity, minilm.tokenize, engine).encode(minilm.tokenize(texts))  # type: ignore[arg-type]


@pytest.mark.parametrize("packed", [True, False])
def test_packed_and_padded_rows_equal_the_cpu_engine(minilm: Encoder, varied_texts: list[str], packed: bool) -> None:
    texts = varied_texts[-_TEXTS:]
    engine = TorchEngine(find_model(MINILM), "mean", "float32", "cpu", threads=1, packed=packed)
    np.testing.assert_allclose(_encode(minilm, engine, texts), minilm.encode(minilm.tokenize(texts)), atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "nanochat"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "logits"])
def test_packing_changes_no_vector(save_checkpoint: Callable[..., Path], kind: str, pooling: str) -> None:
    folder = save_checkpoint(kind)
    tokens = load_tokenizer(EncoderConfig(f"checkpoint:{folder}"))(["one", "two words", "and three more", "x"])
    vectors = [
        TorchEngine(find_model(str(folder)), pooling, "float32", "cpu", threads=1, packed=packed).pool(
            tokens.ids, tokens.lengths
        )
        for packed in (True, False)
    ]
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=1e-4, atol=1e-5)


def test_the_sketch_is_fixed_and_keeps_angles() -> None:
    import torch

    logits = torch.randn(40, 5000, generator=torch.Generator().manual_seed(1))
    logits[1] = logits[0] + 0.3 * logits[1]
    sketched = sketch(logits)
    assert sketched.shape == (40, 1024)
    assert torch.equal(sketched, sketch(logits))
    torch.testing.assert_close(sketch(logits[3:5]), sketched[3:5])
    cosines = torch.corrcoef(logits)
    assert (torch.corrcoef(sketched) - cosines).abs().max() < 0.15
    assert torch.equal(sketch(logits[:, :1024]), logits[:, :1024])


def test_logits_are_computed_few_tokens_at_a_time(save_checkpoint: Callable[..., Path]) -> None:
    folder = save_checkpoint("nanochat", vocab_size=1 << 17)
    engine = TorchEngine(find_model(str(folder)), "logits", "float32", "cpu", threads=1)
    assert engine.token_budget == 512


@pytest.mark.gpu
def test_a_gpu_gives_the_vectors_of_the_cpu(minilm: Encoder, varied_texts: list[str]) -> None:
    reference = minilm.encode(minilm.tokenize(varied_texts))
    for precision, tolerance in (("float32", 1e-5), ("float16", 5e-3), ("bfloat16", 3e-2)):
        encoder = load_encoder(EncoderConfig(device="gpu", precision=precision))  # type: ignore[arg-type]
        vectors = encoder.encode(encoder.tokenize(varied_texts))
        np.testing.assert_allclose(vectors, reference, atol=tolerance)
        assert vectors.tobytes() == encoder.encode(encoder.tokenize(varied_texts)).tobytes()


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["gpt2", "llama", "nanochat"])
def test_a_gpu_gives_the_hidden_states_of_the_cpu(save_checkpoint: Callable[..., Path], kind: str) -> None:
    spec = f"checkpoint:{save_checkpoint(kind)}"
    texts = ["one", "two words", "and three more words", "x " * 30]
    rows = []
    for device, precision in (("cpu", "float32"), ("gpu", "float16")):
        encoder = load_encoder(EncoderConfig(spec, device=device, precision=precision))  # type: ignore[arg-type]
        tokens: Tokens = encoder.tokenize(texts)
        rows.append(encoder.encode(tokens))
    assert (rows[0] * rows[1]).sum(axis=1).min() > 0.999
