"""The tiny model is a real one: transformers loads it, any text survives its tokenizer, and it generates."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from kat_ray.training.tiny_model import VOCABULARY, write_tiny_model

TEXTS = ["How do I bake bread?", "What is a comet?"] * 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "model"
    assert write_tiny_model(path, TEXTS) < 200_000
    return path


@pytest.mark.parametrize("text", ["bread", "Привет 👋🏽 \u202eabc", "<eos>-like \x00 text"])
def test_any_text_survives_the_tokenizer(folder: Path, text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.decode(tokenizer(text, split_special_tokens=True)["input_ids"]) == text


def test_the_model_generates_from_a_chat(folder: Path) -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Hello"}], return_tensors="pt")["input_ids"]
    answer = model.generate(prompt, max_new_tokens=5, min_new_tokens=5, do_sample=True)
    assert answer.shape == (1, prompt.shape[1] + 5)
    assert int(answer.max()) < VOCABULARY


def test_the_seed_decides_the_weights(folder: Path, tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "same", TEXTS)
    write_tiny_model(tmp_path / "other", TEXTS, seed=8)
    first, same, other = (
        AutoModelForCausalLM.from_pretrained(path).get_input_embeddings().weight
        for path in (folder, tmp_path / "same", tmp_path / "other")
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
