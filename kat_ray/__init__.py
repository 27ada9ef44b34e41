"""KAT-Ray: density weights for RLHF prompts. The few names most users need; all else by its module.

A name is imported when it is asked for, so that `import kat_ray` costs nothing and only the samplers need torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kat_ray.client.adapters.samplers import DensitySampler, GroupDensitySampler
    from kat_ray.client.exposure import Exposure
    from kat_ray.client.weights_client import WeightsClient
    from kat_ray.encoders.loading import load_encoder
    from kat_ray.snapshot.snapshot import Snapshot

__all__ = ["DensitySampler", "Exposure", "GroupDensitySampler", "Snapshot", "WeightsClient", "load_encoder"]

_MODULES = {
    "DensitySampler": "kat_ray.client.adapters.samplers",
    "Exposure": "kat_ray.client.exposure",
    "GroupDensitySampler": "kat_ray.client.adapters.samplers",
    "Snapshot": "kat_ray.snapshot.snapshot",
    "WeightsClient": "kat_ray.client.weights_client",
    "load_encoder": "kat_ray.encoders.loading",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
