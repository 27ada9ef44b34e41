"""A transformer in torch, on a GPU or the CPU: batches of tokens in, pooled vectors out.

A batch runs packed, all texts in one row with attention inside each text and no padding, where the architecture is
known to allow it; otherwise padded on the right, masked by length. Both give the same vectors.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import torch

from kat_ray.arrays import Float32Matrix, Int32Vector
from kat_ray.encoders.batches import pad
from kat_ray.encoders.model_files import ModelFiles
from kat_ray.encoders.packed_attention import PACKED, positions_of, register_packed_attention
from kat_ray.encoders.torch_model import load_torch_model

_PACKABLE = {"bert", "roberta", "xlm-roberta", "gpt2", "llama", "nanochat"}
_SKETCH_DIMENSION = 1024
_SKETCH_SEED = 35
_LOGITS_IN_MEMORY = 1 << 26
_GPU_TOKENS = {True: 1 << 16, False: 1 << 14}
_CPU_TOKENS = 2048


class TorchEngine:
    """One model on one device and one batch at a time."""

    def __init__(
        self,
        files: ModelFiles,
        pooling: str,
        precision: str,
        device: str,
        threads: int,
        *,
        packed: bool | None = None,
        weights: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        """`packed` None decides: yes on a GPU in half precision, for architectures known to allow it.

        `weights`: those of the transformer, in the place of the ones in its folder.
        """
        on_gpu = device == "gpu"
        model_type = files.config.get("model_type")
        self._packed = on_gpu and precision != "float32" and model_type in _PACKABLE if packed is None else packed
        if self._packed:
            register_packed_attention()
        if not on_gpu:
            torch.set_num_threads(threads)
        self._pooling = pooling
        self._device = torch.device("cuda" if on_gpu else "cpu")
        self._pad_id = int(files.config.get("pad_token_id") or 0)
        self._first_position = self._pad_id + 1 if "roberta" in str(model_type) else 0
        attention = PACKED if self._packed else None
        model = load_torch_model(
            files, with_head=pooling == "logits", precision=precision, attention=attention, weights=weights
        )
        self._model = model.to(self._device)
        self._lock = threading.Lock()
        self.token_budget = _GPU_TOKENS[self._packed] if on_gpu else _CPU_TOKENS
        if pooling == "logits":
            self.token_budget = min(self.token_budget, _LOGITS_IN_MEMORY // int(model.config.vocab_size))

    def pool(self, ids: Int32Vector, lengths: Int32Vector) -> Float32Matrix:
        """Means of hidden states [B, D], first hidden states [B, D], or sketched mean logits, by the pooling."""
        with self._lock, torch.inference_mode():
            states = self._packed_states(ids, lengths) if self._packed else self._padded_states(ids, lengths)
            pooled = _pool(states, torch.from_numpy(lengths).to(self._device), self._pooling)
            if self._pooling == "logits":
                pooled = sketch(pooled)
            vectors: Float32Matrix = pooled.cpu().numpy()
            return vectors

    def _packed_states(self, ids: Int32Vector, lengths: Int32Vector) -> torch.Tensor:
        """States [T, D] of all texts in one row."""
        positions, boundaries = positions_of(torch.from_numpy(lengths))
        longest = int(lengths.max())
        boundaries = boundaries.to(self._device)
        output = self._model(
            input_ids=torch.from_numpy(ids).long()[None].to(self._device),
            position_ids=(positions + self._first_position)[None].to(self._device),
            cu_seq_lens_q=boundaries,
            cu_seq_lens_k=boundaries,
            max_length_q=longest,
            max_length_k=longest,
        )
        return _states(output)[0]

    def _padded_states(self, ids: Int32Vector, lengths: Int32Vector) -> torch.Tensor:
        """States [T, D] of the true tokens, one text after the other."""
        padded, true_tokens = pad(ids, lengths, self._pad_id, int(lengths.max()))
        mask = torch.from_numpy(true_tokens).to(self._device)
        output = self._model(input_ids=torch.from_numpy(padded).to(self._device), attention_mask=mask.long())
        return _states(output)[mask]


def sketch_dimension(vocabulary: int) -> int:
    """Dimension of logits after the sketch: that of the vocabulary up to 1024."""
    return min(vocabulary, _SKETCH_DIMENSION)


def sketch(logits: torch.Tensor) -> torch.Tensor:
    """Logits [B, V] to at most 1024 columns, keeping inner products on average.

    A count sketch (Charikar et al. 2002) with equal buckets: columns in a fixed random order with random signs, summed
    in runs. Needs V numbers, where a dense projection would need 1024 V.
    """
    vocabulary = logits.shape[1]
    if vocabulary <= _SKETCH_DIMENSION:
        return logits
    generator = torch.Generator().manual_seed(_SKETCH_SEED)
    order = torch.randperm(vocabulary, generator=generator).to(logits.device)
    signs = (torch.randint(2, (vocabulary,), generator=generator) * 2 - 1).to(logits)
    mixed = torch.nn.functional.pad(logits[:, order] * signs, (0, -vocabulary % _SKETCH_DIMENSION))
    return mixed.reshape(len(logits), _SKETCH_DIMENSION, -1).sum(dim=2)


def _states(output: Any) -> torch.Tensor:
    states: torch.Tensor = output.logits if "logits" in output else output.last_hidden_state
    return states


def _pool(states: torch.Tensor, lengths: torch.Tensor, pooling: str) -> torch.Tensor:
    """Float32 vectors [B, D] of states [T, D]; sums in a fixed order, on a GPU too."""
    if pooling == "cls":
        return states[torch.cumsum(lengths, 0) - lengths].float()
    return torch.segment_reduce(states.float(), "mean", lengths=lengths.long(), axis=0)
