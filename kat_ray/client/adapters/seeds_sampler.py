"""The seeds' `DensityAwareSampler`: embeds the prompts with the model at hand and draws the isolated ones more often.

For a training set without a snapshot; it embeds everything before the first step, each time anew. Density and weights
come from the functions that a build uses. The seeds' own snippet, 1 / mean distance, favors crowded prompts; this does
not.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch

from kat_ray.arrays import Float32Matrix, Float64Vector, Int64Vector
from kat_ray.client.adapters.samplers import DensitySampler
from kat_ray.client.dataset_weights import WeightSource, ids_of_prompts, join_weights, prompt_text
from kat_ray.client.density_mapping import load_density_mapping, prompt_weights
from kat_ray.encoders.batches import pad, plan_batches
from kat_ray.encoders.torch_engine import sketch
from kat_ray.errors import EncoderError, InputError
from kat_ray.geometry.neighbors import exact_neighbors
from kat_ray.geometry.weights import WeightConfig, weights

__all__ = ["DensityAwareSampler", "load_density_mapping"]

_LOG = logging.getLogger(__name__)
_TOKEN_LIMIT = 512
_TOKENS_IN_BATCH = 4096
_DEFAULTS = WeightConfig()


class DensityAwareSampler(DensitySampler):
    """A sampler over `prompts` [R] (strings or message lists) by the density of their vectors.

    Example: `DataLoader(dataset, sampler=DensityAwareSampler(prompts, base_model, tokenizer, device, k=10))`.

    `base_model` is a causal language model of transformers, or one that returns logits [B, T, V] and, asked with
    return_hidden_states=True, {"logits", "hidden_states"}; `tokenizer` has `encode(text)`. Equal prompts count once and
    get equal weights. With k prompts or fewer, all weights are equal. `precomputed` (a client, a table, or what
    `load_density_mapping` gives) is used in place of the model. `options` are those of DensitySampler.

    Raises:
        InputError: no prompts, or none of them is in `precomputed`.
        EncoderError: vectors without a direction.
    """

    embeddings: Float32Matrix | None = None
    """[R, D], unit rows; None when the weights were precomputed."""
    density_weights: Float64Vector
    """[R], sum 1."""

    def __init__(
        self,
        prompts: Sequence[Any],
        base_model: Any = None,
        tokenizer: Any = None,
        device: str | torch.device = "cpu",
        k: int = 10,
        *,
        pooling: Literal["mean", "logits"] = "mean",
        weight_config: WeightConfig = _DEFAULTS,
        precomputed: WeightSource | Mapping[str, float] | None = None,
        **options: Any,
    ) -> None:
        if not len(prompts):
            raise InputError("There are no prompts to draw from.")
        ids = ids_of_prompts(prompts)
        if precomputed is not None:
            values, origin = prompt_weights(precomputed, ids), "precomputed weights"
        else:
            first, inverse = np.unique(np.array(ids), return_index=True, return_inverse=True)[1:]
            texts = [prompt_text(prompts[row]) for row in first]
            vectors = _embed(texts, base_model, tokenizer, torch.device(device), pooling)
            self.embeddings = vectors[inverse]
            values, origin = _weights(vectors, k, weight_config)[inverse], f"the model's {pooling} vectors"
        joined = join_weights(_content_id(values), ids, values)
        self.density_weights = joined.probabilities
        super().__init__(joined, **options)
        relative = self.density_weights * len(ids)
        _LOG.info(
            "Prompts are drawn by %s: %d rows, %d unknown, weights %.3f to %.3f of the mean.",
            origin if np.ptp(relative) > 0.0 else f"equal weights ({origin})",
            *(len(ids), joined.num_unknown, relative.min(), relative.max()),
        )


def _weights(vectors: Float32Matrix, k: int, config: WeightConfig) -> Float64Vector:
    if len(vectors) <= k:
        _LOG.warning("%d prompts have fewer than %d neighbors each; all weights are equal.", len(vectors), k)
        return np.full(len(vectors), 1.0 / len(vectors))
    return weights(exact_neighbors(vectors, k).distances, k, config).values


def _embed(texts: list[str], model: Any, tokenizer: Any, device: torch.device, pooling: str) -> Float32Matrix:
    """Unit rows [N, D]: the mean over each text's own tokens, so that its vector does not depend on its batch."""
    limit = min(_TOKEN_LIMIT, getattr(getattr(model, "config", None), "max_position_embeddings", _TOKEN_LIMIT))
    tokens = [list(tokenizer.encode(text))[:limit] or [0] for text in texts]
    lengths = np.array([len(ids) for ids in tokens], np.int32)
    vectors: list[Float32Matrix] = []
    order: list[Int64Vector] = []
    with _evaluating(model), torch.no_grad():
        for rows in plan_batches(lengths, _TOKENS_IN_BATCH):
            flat = np.concatenate([tokens[row] for row in rows]).astype(np.int32)
            padded, mask = pad(flat, lengths[rows], 0, int(lengths[rows].max()))
            keep = torch.from_numpy(mask).to(device)
            states = _states(model, torch.from_numpy(padded).to(device), keep, pooling).float()
            pooled = (states * keep[..., None]).sum(1) / keep.sum(1, keepdim=True)
            vectors.append((sketch(pooled) if pooling == "logits" else pooled).cpu().numpy())
            order.append(rows)
    return _unit_rows(np.concatenate(vectors)[np.argsort(np.concatenate(order))], pooling)


def _states(model: Any, ids: torch.Tensor, keep: torch.Tensor, pooling: str) -> torch.Tensor:
    """Hidden states [B, T, D] after the last norm, or logits [B, T, V]."""
    hidden = pooling == "mean"
    if hasattr(model, "config") and hasattr(model.config, "model_type"):
        output = model(input_ids=ids, attention_mask=keep.long(), output_hidden_states=hidden)
        states: torch.Tensor = output.hidden_states[-1] if hidden else output.logits
    else:
        states = model(ids, return_hidden_states=True)["hidden_states"] if hidden else model(ids)
    return states


def _unit_rows(vectors: Float32Matrix, pooling: str) -> Float32Matrix:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(norms) & (norms > 0.0)).all():
        raise EncoderError(
            f"The model's {pooling} vectors have no direction: they are zero or not finite. "
            f"{'A fresh head gives zero logits; use pooling mean.' if pooling == 'logits' else 'Check its weights.'}"
        )
    return np.asarray(vectors / norms, np.float32)


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Without dropout for the time being."""
    was_training = bool(getattr(model, "training", False))
    if was_training:
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()


def _content_id(values: Float64Vector) -> str:
    """Stands for a snapshot id where there is no snapshot."""
    return f"weights-{hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=8).hexdigest()}"
