"""Models for the encoder tests: real MiniLM, and tiny random ones saved the way that their owners would save them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kat_ray.encoders.encoder import Encoder, EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.encoders.model_files import MINILM, find_model

os.environ["HF_HUB_OFFLINE"] = "1"
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

_TOPICS = (
    "cats",
    "volcanoes",
    "tax law",
    "sourdough bread",
    "prime numbers",
    "jazz",
    "the French Revolution",
    "Python",
)
_QUESTIONS = (
    "What should I know about {}?",
    "write a poem about {}",
    "Explain {} to a child of five, please.\nUse short words.",
    "Why do people argue about {}? Give three reasons, with sources.",
    "{}",
)
VARIED_TEXTS = [question.format(topic) for topic in _TOPICS for question in _QUESTIONS] + [
    "¿Cómo se cocina el arroz con pollo?",
    "日本の首都はどこですか。",
    "Как работает двигатель внутреннего сгорания?",
    "ما هي عاصمة مصر؟",
    "한국어 문장을 번역해 주세요",
    "זהו משפט בעברית",
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ",
    "Zażółć gęślą jaźń",
    "🙂🙃 emoji only 🚀",
    "",
    " ",
    "\n\t",
    "a",
    ".",
    "[CLS] [SEP] [PAD] [MASK]",
    "<script>alert('x')</script> \u202e\x00 control \x07 signs",
    "x" * 5000,
    "word " * 3000,
    "def f(x):\n    return x ** 2\n" * 40,
    "1 2 3 4 5 6 7 8 9 10 " * 20,
    "naïve café Ångström ﬁn ½ x² ™",
    "the the the the the",
    "THE THE the The",
    "https://example.org/a?b=c&d=e#f",
]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAT_RAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def varied_texts() -> list[str]:
    return VARIED_TEXTS


@pytest.fixture(scope="session")
def minilm() -> Encoder:
    return load_encoder(EncoderConfig(device="cpu", precision="float32"))


@pytest.fixture(scope="session")
def byte_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small byte-level BPE without a padding token, as causal models have."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    specials = ["<|bos|>", "<|user_start|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=alphabet, special_tokens=specials, show_progress=False
    )
    tokenizer.train_from_iterator(VARIED_TEXTS, trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="session")
def save_checkpoint(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> Callable[..., Path]:
    """Save a tiny random causal model of a kind; `change` may alter it first."""

    def save(kind: str, change: Callable[[Any], None] | None = None, **settings: Any) -> Path:
        import torch

        torch.manual_seed(7)
        model = _tiny_causal_model(kind, settings)
        if change is not None:
            change(model)
        folder = tmp_path_factory.mktemp(kind)
        model.save_pretrained(folder)
        (folder / "tokenizer.json").write_bytes(byte_tokenizer.read_bytes())
        return folder

    return save


@pytest.fixture(scope="session")
def save_sentence_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Save a tiny random BERT with MiniLM's tokenizer as sentence-transformers does today."""

    def save(pooling: str = "mean", change: Callable[[Any], None] | None = None) -> Path:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
        from transformers import BertConfig, BertModel

        torch.manual_seed(3)
        shape = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        bert = BertModel(BertConfig(**shape, max_position_embeddings=50))
        if change is not None:
            change(bert)
        source, folder = tmp_path_factory.mktemp("bert"), tmp_path_factory.mktemp("sentence") / "tiny"
        bert.save_pretrained(source)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(find_model(MINILM).folder / name, source)
        SentenceTransformer(modules=[Transformer(str(source)), Pooling(24, pooling)]).save(str(folder))
        return folder

    return save


def _tiny_causal_model(kind: str, settings: dict[str, Any]) -> Any:
    import torch
    import transformers

    shape = {
        "vocab_size": 400,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 128,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": None,
        **settings,
    }
    if kind == "gpt2":
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**shape))
    elif kind == "llama":
        llama = transformers.LlamaConfig(**shape, num_key_value_heads=2, intermediate_size=64)
        model = transformers.LlamaForCausalLM(llama)
    else:
        model = transformers.NanoChatForCausalLM(transformers.NanoChatConfig(**shape, intermediate_size=64))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.3) if parameter.ndim > 1 else None
    return model
