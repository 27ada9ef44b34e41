"""Which device and which precision an encoder runs in: "auto" made definite, and what is missing refused at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.errors import EncoderError, ResourceError

_NVIDIA_DRIVER = Path("/proc/driver/nvidia")
_CPU_FACTS = Path("/proc/cpuinfo")
_INTEGER_PRODUCTS = {"avx512_vnni", "avx_vnni"}


def resolve_device(config: EncoderConfig) -> str:
    """cpu or gpu; auto takes the GPU that this process sees, else the CPU.

    Raises:
        ResourceError: a GPU was asked for and torch finds none.
    """
    if config.device == "cpu" or (config.device == "auto" and not _NVIDIA_DRIVER.exists()):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "gpu"
    if config.device == "auto":
        return "cpu"
    raise ResourceError(
        f"A GPU was asked for, but torch finds none (torch {torch.__version__}, "
        f"CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES', 'unset')}). "
        "Install torch's CUDA build, free a GPU, or choose the device cpu."
    )


def resolve_precision(config: EncoderConfig, device: str) -> str:
    """float32, bfloat16, float16 or int8; auto never takes int8.

    Raises:
        ResourceError: bfloat16 or int8 on a CPU without it.
        EncoderError: float16 on a CPU, int8 on a GPU.
    """
    if config.precision == "int8":
        return _int8(device)
    if config.precision == "float32":
        return "float32"
    if device == "gpu":
        return "float16" if config.precision == "auto" else config.precision
    if config.precision == "float16":
        raise EncoderError("float16 is for GPUs; on a CPU choose bfloat16, float32 or int8.")
    has_bfloat16 = "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if config.precision == "bfloat16" and not has_bfloat16:
        raise ResourceError("bfloat16 was asked for, but this CPU has no bfloat16 arithmetic; choose float32 or auto.")
    return "bfloat16" if has_bfloat16 else "float32"


def _int8(device: str) -> str:
    if device == "gpu":
        raise EncoderError("int8 is for CPUs; on a GPU choose float16, bfloat16 or float32.")
    facts = _CPU_FACTS.read_text(encoding="utf-8") if _CPU_FACTS.exists() else ""
    if not _INTEGER_PRODUCTS.intersection(facts.split()):
        raise ResourceError(
            "int8 was asked for, but this CPU has no VNNI instructions, without which it would be slow and sums of "
            "integers could overflow; choose auto."
        )
    return "int8"


def import_openvino() -> Any:
    """The openvino module; without its telemetry package it uses a stub of its own that sends nothing."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
