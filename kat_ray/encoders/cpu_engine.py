"""A sentence model on the CPU through OpenVINO: padded batches in, pooled vectors out.

The model computes in bfloat16 or float32, or with linear layers in int8 and bfloat16 between them; pooling is always
float32. With MiniLM and 2,000 real prompts bfloat16 keeps 0.995 of float32's 15 nearest neighbors, and 0.9999 of its
own when the same texts go in other batches; int8 keeps 0.95 of float32's.
Threads are not pinned to cores, since all processes of a machine would pin to the same ones. OpenVINO keeps about
half a megabyte for every shape of batch it has seen, hence widths in steps.
"""

from __future__ import annotations

import threading

import numpy as np

from kat_ray.arrays import Float32Matrix, Int32Vector
from kat_ray.encoders.batches import masked_mean, pad, stepped
from kat_ray.encoders.converted_model import converted_model
from kat_ray.encoders.devices import import_openvino
from kat_ray.encoders.encoder import Tokens
from kat_ray.encoders.model_files import ModelFiles

_HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "bf16"}


class CpuEngine:
    """One compiled model and one inference at a time."""

    token_budget = 1024

    def __init__(
        self, files: ModelFiles, pooling: str, precision: str, threads: int, calibration: Tokens | None = None
    ) -> None:
        """`calibration`: the tokens that set the ranges of int8; None for float32 and bfloat16."""
        self._pooling = pooling
        self._pad_id = int(files.config.get("pad_token_id") or 0)
        self._positions = int(files.config["max_position_embeddings"])
        self._lock = threading.Lock()
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": "1",
            "ENABLE_CPU_PINNING": False,
        }
        model = converted_model(files, calibration)
        self._request = import_openvino().Core().compile_model(model, "CPU", options).create_infer_request()

    def pool(self, ids: Int32Vector, lengths: Int32Vector) -> Float32Matrix:
        """Pooled hidden states [B, D]: the mean over the true tokens, or the first token."""
        longest = int(lengths.max())
        padded, mask = pad(ids, lengths, self._pad_id, max(longest, min(stepped(longest), self._positions)))
        with self._lock:
            inputs = [padded, mask.astype(np.int64)]
            hidden = self._request.infer(inputs, share_inputs=True, share_outputs=True)[0]
            return hidden[:, 0].copy() if self._pooling == "cls" else masked_mean(hidden, mask)
