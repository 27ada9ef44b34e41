"""KAT-Ray: density weights for RLHF prompts. The few names most users need; all else by its module."""

from kat_ray.snapshot.snapshot import Snapshot

__all__ = ["Snapshot"]
