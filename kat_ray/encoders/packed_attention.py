"""Attention over many texts laid end to end in one row, each seeing itself only.

On a GPU in half precision one flash kernel does it; elsewhere each text is attended on its own, exact and slow.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

PACKED = "kat_ray_packed"


def register_packed_attention() -> None:
    """Make the name PACKED an attention that transformers models can be loaded with; they then build no masks."""
    from transformers import AttentionInterface

    AttentionInterface.register(PACKED, _packed_attention)


def positions_of(lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """For texts of these lengths [B]: the position of every token in its text [T], and the boundaries int32 [B + 1]."""
    boundaries = torch.nn.functional.pad(torch.cumsum(lengths.long(), 0), (1, 0))
    positions = torch.arange(int(boundaries[-1])) - torch.repeat_interleave(boundaries[:-1], lengths.long())
    return positions, boundaries.int()


def _packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _attention_mask: torch.Tensor | None,
    *,
    cu_seq_lens_q: torch.Tensor,
    max_length_q: int,
    scaling: float | None = None,
    **_options: Any,
) -> tuple[torch.Tensor, None]:
    """Query [1, H, T, d], key and value [1, H or fewer, T, d] to the attended values [1, T, H, d]."""
    is_causal = bool(getattr(module, "is_causal", False))
    if query.is_cuda:
        return _flash(query, key, value, cu_seq_lens_q, max_length_q, scale=scaling, causal=is_causal), None
    return _one_by_one(query, key, value, cu_seq_lens_q, scale=scaling, causal=is_causal), None


def _flash(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    boundaries: torch.Tensor,
    longest: int,
    *,
    scale: float | None,
    causal: bool,
) -> torch.Tensor:
    """One split of the keys, so that a text's sums never depend on the texts beside it."""
    from torch.nn.attention.varlen import varlen_attn

    attended: torch.Tensor = varlen_attn(  # type: ignore[assignment]
        query[0].transpose(0, 1),
        key[0].transpose(0, 1),
        value[0].transpose(0, 1),
        boundaries,
        boundaries,
        longest,
        longest,
        scale=scale,
        window_size=(-1, 0) if causal else (-1, -1),
        enable_gqa=query.shape[1] != key.shape[1],
        num_splits=1,
    )
    return attended[None]


def _one_by_one(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    boundaries: torch.Tensor,
    *,
    scale: float | None,
    causal: bool,
) -> torch.Tensor:
    grouped = query.shape[1] != key.shape[1]
    attended = [
        scaled_dot_product_attention(
            query[:, :, start:stop],
            key[:, :, start:stop],
            value[:, :, start:stop],
            is_causal=causal,
            scale=scale,
            enable_gqa=grouped,
        )
        for start, stop in pairwise(boundaries.tolist())
    ]
    return torch.cat(attended, dim=2).transpose(1, 2)
