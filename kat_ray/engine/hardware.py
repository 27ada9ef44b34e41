"""Which hardware a stage runs on: what was asked for, what the cluster declares, and whether the software is there.

An asked-for GPU that is missing, or that a library cannot use, is an error before any work; `auto` then takes the CPU
and says why.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from typing import Literal

from tqdm import tqdm

from kat_ray.engine.session import Device, current_cluster, resolve_device
from kat_ray.engine.tasks import run_task
from kat_ray.errors import ResourceError

Stage = Literal["encoder", "neighbors", "layout"]


def resolve_hardware(device: Device, stages: Sequence[Stage], wait_seconds: float = 0.0) -> Literal["cpu", "gpu"]:
    """The device class for some stages, after a look at a GPU worker's libraries where a GPU would be used.

    Raises:
        ResourceError: asked-for hardware is not there, or a library on the GPU worker cannot use it.
    """
    if device == "cpu" or (device == "auto" and not current_cluster().num_gpus):
        return resolve_device("cpu", wait_seconds)
    resolve_device("gpu", wait_seconds)
    missing = run_task(missing_gpu_software, tuple(stages), num_gpus=1)
    if not missing:
        return "gpu"
    reason = f"GPUs are there, but {' and '.join(missing)}"
    if device == "gpu":
        raise ResourceError(f"{reason}. Install the packages of .locks/gpu.txt on the GPU nodes, or use --device cpu.")
    tqdm.write(f"{reason}: {', '.join(stages)} on the CPU.", file=sys.stderr)
    return "cpu"


def missing_gpu_software(stages: tuple[Stage, ...]) -> list[str]:
    """Worker with a GPU: what keeps these stages from using it, as parts of a sentence."""
    checks = {"encoder": _torch_problem, "neighbors": _torch_problem, "layout": _cuml_problem}
    return list(dict.fromkeys(problem for stage in stages if (problem := checks[stage]())))


def _torch_problem() -> str:
    import torch

    return "" if torch.cuda.is_available() else "PyTorch is a CPU build or sees none"


def _cuml_problem() -> str:
    return "" if importlib.util.find_spec("cuml") else "cuML is not installed"
