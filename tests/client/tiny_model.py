"""Real parts for trainer tests, as small as they can be: a tokenizer, a causal model, prompts, pairs and their weights.

Everything is made here in a moment; nothing is downloaded. Heavy libraries are imported where they are used, so that
processes which need only weights start at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kat_ray.records import prompt_id
from kat_ray.snapshot.weight_table import WeightTable

VOCABULARY = 300
_TOPICS = ("cats", "volcanoes", "tax law", "bread", "prime numbers", "jazz", "comets", "Python", "salt", "chess")


def texts(count: int) -> list[str]:
    """Different short prompts."""
    return [f"Tell me about {_TOPICS[row % len(_TOPICS)]}, part {row}." for row in range(count)]


def tiny_tokenizer() -> Any:
    """A byte-level tokenizer with merges of these prompts."""
    from kat_ray.training.tiny_model import tiny_tokenizer as with_merges_of

    return with_merges_of(texts(40), VOCABULARY)


def tiny_config(**settings: Any) -> Any:
    """Two layers of width 32."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
        **settings,
    )


def tiny_model(seed: int = 7) -> Any:
    """A causal model with random weights, wide enough apart for its hidden states to differ."""
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(seed)
    model = LlamaForCausalLM(tiny_config(initializer_range=0.3))
    return model.float()


def tiny_reward_model(seed: int = 7) -> Any:
    """A model with one score a text."""
    import torch
    from transformers import LlamaForSequenceClassification

    torch.manual_seed(seed)
    return LlamaForSequenceClassification(tiny_config(num_labels=1)).float()


def weight_table(prompts: Sequence[str], weights: Sequence[float] | None = None, snapshot_id: str = "") -> WeightTable:
    """Weights of prompts; by default the first one is eight times as rare as the last."""
    values = np.geomspace(8.0, 1.0, len(prompts)) if weights is None else np.asarray(weights, np.float64)
    keys = np.array([int(prompt_id(text) or "", 16) for text in prompts], np.uint64)
    places = (np.argsort(np.argsort(-values)) + 0.5) / len(values)
    return WeightTable(snapshot_id or "0123456789abcdef", keys, values / values.sum(), places, {"power": 1.0})


def prompt_data(prompts: Sequence[str]) -> Any:
    """A prompt-only data set, with a number for each row."""
    from datasets import Dataset

    return Dataset.from_dict({"prompt": list(prompts), "row": list(range(len(prompts)))})


def pair_data(prompts: Sequence[str], answer: str = " Gladly.") -> Any:
    """A preference data set; replies differ from row to row."""
    from datasets import Dataset

    return Dataset.from_dict(
        {
            "prompt": list(prompts),
            "chosen": [f"{answer} {row}" for row in range(len(prompts))],
            "rejected": [" No." + "." * (row % 3) for row in range(len(prompts))],
        }
    )


def trainer_options(folder: Path, **options: Any) -> dict[str, Any]:
    """Arguments of any TRL config for a quiet run on the CPU."""
    return {
        "output_dir": str(folder),
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "no",
        "logging_strategy": "no",
        "learning_rate": 1e-3,
        "lr_scheduler_type": "constant",
        "bf16": False,
        "activation_checkpointing": False,
        "dataloader_pin_memory": False,
        "seed": 3,
        **options,
    }
