"""Everything a build can be told, with its defaults and checks; the build job's flags are these fields."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from kat_ray.encoders.encoder import DEFAULT_SPEC, Pooling, Precision
from kat_ray.engine.neighbors import IndexKind
from kat_ray.engine.session import Device
from kat_ray.engine.split_rows import PromptsConfig
from kat_ray.errors import InputError
from kat_ray.geometry.duplicates import DUPLICATE_DISTANCE
from kat_ray.geometry.layout import LayoutConfig
from kat_ray.geometry.weights import Estimator, WeightConfig
from kat_ray.records import DedupeBy, TextRendering

SMALLEST_STORED_K = 20
_IDLE_OPTIONS = ("pairs", "encoder", "out", "device", "layout_device", "workers", "wait_seconds", "address")


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """Everything a build can be told."""

    pairs: tuple[str, ...]
    """Files or folders of preference pairs (JSONL, JSONL.gz, Parquet), local or s3://, in order."""
    out: str
    """Store for the snapshot: a folder or s3:// URI."""
    encoder: str = DEFAULT_SPEC
    """sentence:NAME, checkpoint:PATH-or-hub-id, projection:FILE.pt@BASE, or hashing."""
    k: int = 10
    """Neighbors whose mean distance makes the density."""
    weight_power: float = 1.0
    """Weight is proportional to density ** -power; 0 is uniform."""
    target_ess: float | None = None
    """Effective sample size to reach, as a share of N; finds the power."""
    weight_cap: float | None = None
    """Largest weight, as a multiple of the median one."""
    estimator: Estimator = "distance"
    """What density is: 1 / mean distance, or the seeds' mean similarity."""
    max_samples: int | None = None
    """Use only the first rows, up to this many prompts."""
    seed: int = 42
    """Seed of layout, clusters and approximate index."""
    dedupe_by: DedupeBy = "first_user"
    """What makes two rows the same prompt."""
    text: TextRendering | None = None
    """What is embedded: first_user or conversation; by default what rows are told apart by."""
    source: str = "unknown"
    """Source of rows that name none in `src`."""
    n_neighbors: int = 15
    """Neighbors in the layout."""
    min_dist: float = 0.1
    """Smallest distance between points of the layout."""
    map_of: str | None = None
    """Snapshot or store whose map goes on: prompts keep their places, new ones are placed among them."""
    index: IndexKind = "exact"
    """Neighbor search: exact, or approximate with measured recall."""
    duplicate_distance: float = DUPLICATE_DISTANCE
    """Prompts closer than this are near duplicates."""
    pooling: Pooling = "auto"
    """How token vectors become one; logits is for checkpoints."""
    token_limit: int | None = None
    """Tokens read of a prompt; the encoder's own limit by default."""
    precision: Precision = "auto"
    """Numbers inside the encoder; auto takes bfloat16 or float16 where the hardware has it, never int8."""
    device: Device = "auto"
    """Hardware of encoder and neighbor search; auto takes GPUs when the cluster has some."""
    layout_device: Device | None = None
    """Hardware of the layout; that of the encoder by default."""
    workers: int | None = None
    """Encoders and index shards; all CPUs or GPUs of the cluster by default."""
    wait_seconds: float = 0.0
    """How long an autoscaler may take to bring the asked-for hardware."""
    address: str | None = None
    """Ray cluster to join; RAY_ADDRESS or an embedded one by default."""

    def __post_init__(self) -> None:
        if not self.pairs:
            raise InputError("No input: --pairs got no file. Name at least one file or folder of preference pairs.")
        for name in ("k", "n_neighbors", "max_samples", "workers", "token_limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name.replace('_', '-')} is {value}, expected at least 1.")
        if self.duplicate_distance < 0:
            raise InputError(f"--duplicate-distance is {self.duplicate_distance}, expected a distance of 0 or more.")
        _ = self.weighting, self.drawing("cpu")  # their own checks, before any work

    @property
    def weighting(self) -> WeightConfig:
        """The options of the weights."""
        return WeightConfig(float(self.weight_power), self.weight_cap, self.target_ess, self.estimator)

    @property
    def prompts(self) -> PromptsConfig:
        """The options of the first stage."""
        return PromptsConfig(self.text or self.dedupe_by, self.dedupe_by, self.max_samples, self.source)

    @property
    def stored_k(self) -> int:
        """Neighbors to store: enough for density, layout and the ones who look at them."""
        return max(self.k, self.n_neighbors, SMALLEST_STORED_K)

    def drawing(self, device: Literal["cpu", "gpu"]) -> LayoutConfig:
        """The options of the layout."""
        return LayoutConfig(self.n_neighbors, float(self.min_dist), self.seed, device)

    def decisive(self) -> dict[str, Any]:
        """Options that can change the result; the rest says where and on what it is made."""
        return {name: value for name, value in asdict(self).items() if name not in _IDLE_OPTIONS}
