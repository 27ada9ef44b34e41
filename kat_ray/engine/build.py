"""The whole line in one call: pairs -> prompts -> embeddings -> neighbors -> scores and layout -> published snapshot.

Every stage leaves its columns and its record in a work folder of the store, named by the input and the options, so a
broken build goes on where it stopped. The driver holds names and counts; memory of the stages stands in their modules.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal, cast

from tqdm import tqdm

from kat_ray.encoders.encoder import DEFAULT_SPEC, EncoderConfig, EncoderIdentity, Pooling, Precision, identify_encoder
from kat_ray.engine.embedding import EmbeddingSummary, embed
from kat_ray.engine.memory import PeakMemory
from kat_ray.engine.neighbors import IndexKind, NeighborsSummary, find_neighbors
from kat_ray.engine.prompts import PromptsSummary, make_prompts
from kat_ray.engine.scores import Scores, ScoringConfig, score_and_lay_out
from kat_ray.engine.session import (
    Cluster,
    Device,
    count_workers,
    require_shared,
    resolve_address,
    resolve_device,
    session,
)
from kat_ray.engine.split_rows import PromptsConfig
from kat_ray.engine.tasks import run_task
from kat_ray.errors import InputError
from kat_ray.geometry.layout import LayoutConfig
from kat_ray.geometry.weights import Estimator, WeightConfig
from kat_ray.records import DedupeBy, TextRendering
from kat_ray.snapshot.diagnostics import Diagnostics
from kat_ray.snapshot.manifest import COLUMN_FILES, ColumnRecord, Counts, Manifest, record_column, snapshot_id
from kat_ray.snapshot.store import MANIFEST_NAME, PublishResult, Store, read_manifest
from kat_ray.storage import Location

_LIBRARIES = ("numpy", "pyarrow", "ray", "torch", "openvino", "tokenizers", "umap-learn", "scikit-learn", "igraph")
_SMALLEST_K = 20


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """Everything a build can be told."""

    pairs: tuple[str, ...]
    """Files or folders of preference pairs (JSONL, JSONL.gz, Parquet), local or s3://, in order."""
    out: str
    """Store for the snapshot: a folder or s3:// URI."""
    encoder: str = DEFAULT_SPEC
    """sentence:NAME, checkpoint:PATH-or-hub-id, or hashing."""
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
    text: TextRendering = "first_user"
    """What is embedded: the first user message, or the whole conversation."""
    dedupe_by: DedupeBy = "first_user"
    """What makes two rows the same prompt."""
    n_neighbors: int = 15
    """Neighbors in the layout."""
    min_dist: float = 0.1
    """Smallest distance between points of the layout."""
    index: IndexKind = "exact"
    """Neighbor search: exact, or pynndescent with measured recall."""
    duplicate_distance: float = 0.1
    """Prompts closer than this are near duplicates."""
    pooling: Pooling = "auto"
    """How token vectors become one; logits is for checkpoints."""
    token_limit: int | None = None
    """Tokens read of a prompt; the encoder's own limit by default."""
    precision: Precision = "auto"
    """Numbers inside the encoder; auto takes bfloat16 or float16 where the hardware has it."""
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
        if self.duplicate_distance < 0 or self.min_dist < 0:
            raise InputError("--duplicate-distance and --min-dist are distances, expected 0 or more.")

    @property
    def weighting(self) -> WeightConfig:
        """The options of the weights."""
        return WeightConfig(self.weight_power, self.weight_cap, self.target_ess, self.estimator)


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did; `as_summary` is the job's last line. Peak memory is known for an embedded cluster only."""

    prompts: PromptsSummary
    embedded: int
    published: PublishResult
    location: Location
    seconds: float
    peak_memory_bytes: int | None

    def as_summary(self) -> dict[str, Any]:
        """Keys of the stable interface, then what became of the build."""
        counts = self.prompts
        return {
            "rows": {
                "input": counts.num_input,
                "accepted": counts.num_accepted,
                "rejected": counts.num_rejected,
                "duplicates": counts.num_duplicates,
            },
            "prompts": counts.num_prompts,
            "embedded": self.embedded,
            "reused": counts.num_prompts - self.embedded,
            "snapshot_id": self.published.snapshot_id,
            "snapshot": self.location.uri,
            "seconds": round(self.seconds, 2),
            "status": self.published.status,
            "differing": list(self.published.differing),
            "peak_memory_bytes": self.peak_memory_bytes,
        }


def build(config: BuildConfig) -> BuildResult:
    """Build and publish a snapshot; an equal one that is already in the store is recognized and not built again.

    Raises:
        KatRayError: bad options or input, missing hardware, storage that workers cannot see.
    """
    started = time.perf_counter()
    with ExitStack() as stack:
        embedded_cluster = resolve_address(config.address) == "local"
        cluster = stack.enter_context(session(config.address))
        memory = stack.enter_context(PeakMemory()) if embedded_cluster else None
        require_shared([Location(uri) for uri in (*config.pairs, config.out)])
        line = _Line.plan(config, cluster)
        options = PromptsConfig(config.text, config.dedupe_by, config.max_samples)
        prompts = make_prompts(config.pairs, line.work, options)
        embedded, published = line.publish(prompts)
        line.work.delete()
    return BuildResult(
        prompts=prompts,
        embedded=embedded,
        published=published,
        location=line.store.folder(published.snapshot_id),
        seconds=time.perf_counter() - started,
        peak_memory_bytes=memory.peak_bytes if memory else None,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """One build: where it works and what it resolved for the cluster it found."""

    config: BuildConfig
    store: Store
    work: Location
    device: Literal["cpu", "gpu"]
    layout_device: Literal["cpu", "gpu"]
    num_workers: int
    encoder: EncoderConfig
    identity: EncoderIdentity

    @classmethod
    def plan(cls, config: BuildConfig, cluster: Cluster) -> _Line:
        """Resolve hardware and encoder before any work, so that what is missing is said in seconds."""
        device = resolve_device(config.device, config.wait_seconds)
        layout_device = device if config.layout_device is None else resolve_device(config.layout_device)
        encoder = EncoderConfig(
            spec=config.encoder,
            device=device,
            precision=config.precision,
            pooling=config.pooling,
            token_limit=config.token_limit,
        )
        identity = run_task(identify_encoder, encoder, num_gpus=int(device == "gpu"))
        store = Store(Location(config.out))
        line = cls(
            config=config,
            store=store,
            work=store.location / ".work" / _work_name(config, identity),
            device=device,
            layout_device=layout_device,
            num_workers=count_workers(device, config.workers, config.wait_seconds),
            encoder=encoder,
            identity=identity,
        )
        tqdm.write(f"build on {cluster}: {identity.name} in {identity.precision} on {device}", file=sys.stderr)
        return line

    def parameters(self, prompts: PromptsSummary) -> dict[str, Any]:
        """All that decides the numbers, and nothing else: no device, worker count or path."""
        config = self.config
        return {
            "input_hash": prompts.input_hash,
            "text": config.text,
            "dedupe_by": config.dedupe_by,
            "encoder": asdict(self.identity),
            "k": config.k,
            "stored_k": self._stored_k(),
            "index": config.index,
            "weights": asdict(config.weighting),
            "duplicate_distance": config.duplicate_distance,
            "layout": {"n_neighbors": config.n_neighbors, "min_dist": config.min_dist},
            "seed": config.seed,
        }

    def publish(self, prompts: PromptsSummary) -> tuple[int, PublishResult]:
        """Make or recognize the snapshot of these prompts; returns how many were embedded now, and what became of it.

        The manifest is kept beside the columns first, so that a broken publication is completed by the next run.
        """
        parameters = self.parameters(prompts)
        name = snapshot_id(parameters)
        if self.store.holds(name):
            self.store.set_current(name)
            return 0, PublishResult(name, "recognized")
        embedded, pending = 0, self.work / MANIFEST_NAME
        if not pending.exists():
            embeddings = self.embed()
            embedded = embeddings.num_embedded
            pending.write_bytes(self.manifest(prompts, parameters, embeddings).to_json())
        return embedded, self.store.publish(self.work, read_manifest(self.work))

    def embed(self) -> EmbeddingSummary:
        """Vectors of all prompts, taken from snapshots of the same encoder where they hold them."""
        snapshots = [self.store.folder(entry.snapshot_id) for entry in self.store.list()]
        same = [folder for folder in snapshots if read_manifest(folder).encoder == asdict(self.identity)]
        cache = self.store.location / ".work"
        return embed(
            self.work / "prompts.parquet", self.work, self.encoder, self.identity, cache, same, self.num_workers
        )

    def manifest(self, prompts: PromptsSummary, parameters: dict[str, Any], embeddings: EmbeddingSummary) -> Manifest:
        """Run the stages after the embeddings and describe what they made."""
        config = self.config
        graph = find_neighbors(self.work, self._stored_k(), config.index, self.device, self.num_workers, config.seed)
        scoring = ScoringConfig(
            k=config.k,
            weighting=config.weighting,
            duplicate_distance=config.duplicate_distance,
            seed=config.seed,
        )
        drawing = LayoutConfig(config.n_neighbors, config.min_dist, config.seed, self.layout_device)
        scores = score_and_lay_out(self.work, scoring, drawing)
        return Manifest(
            snapshot_id=snapshot_id(parameters),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            counts=_counts(prompts),
            encoder=asdict(self.identity),
            parameters=parameters,
            input_hash=prompts.input_hash,
            seeds={"clusters": config.seed, "index": config.seed, "layout": config.seed},
            libraries={name: version(name) for name in _LIBRARIES},
            columns=tuple(run_task(_record_columns, self.work)),
            stage_seconds=_stage_seconds(prompts, embeddings, graph, scores),
            diagnostics=self._diagnostics(prompts, embeddings, graph, scores),
            notes=tuple(_notes(config, graph)),
        )

    def _stored_k(self) -> int:
        return max(self.config.k, self.config.n_neighbors, _SMALLEST_K)

    def _diagnostics(
        self, prompts: PromptsSummary, embeddings: EmbeddingSummary, graph: NeighborsSummary, scores: Scores
    ) -> Diagnostics:
        return cast(
            Diagnostics,
            {
                **scores.diagnostics,
                "recall": graph.recall,
                "num_truncated": embeddings.num_truncated,
                "token_limit": self.identity.token_limit,
                "sources": prompts.sources,
            },
        )


def _counts(prompts: PromptsSummary) -> Counts:
    return Counts(
        input=prompts.num_input,
        accepted=prompts.num_accepted,
        rejected=prompts.num_rejected,
        duplicates=prompts.num_duplicates,
        prompts=prompts.num_prompts,
        pairs=prompts.num_accepted,
        complete_pairs=prompts.num_complete_pairs,
    )


def _stage_seconds(
    prompts: PromptsSummary, embeddings: EmbeddingSummary, graph: NeighborsSummary, scores: Scores
) -> dict[str, float]:
    stages = {
        "prompts": prompts.seconds,
        "embeddings": embeddings.seconds,
        "neighbors": graph.seconds,
        **scores.seconds,
    }
    return {name: round(seconds, 3) for name, seconds in stages.items()}


def _notes(config: BuildConfig, graph: NeighborsSummary) -> Iterator[str]:
    if graph.k < config.k:
        yield f"k was clamped from {config.k} to {graph.k}: there are only {graph.k + 1} prompts."
    if graph.k < config.n_neighbors:
        yield f"n_neighbors was clamped from {config.n_neighbors} to {graph.k}: there are only {graph.k + 1} prompts."


def _record_columns(work: Location) -> list[ColumnRecord]:
    """Worker: checksums of all column files."""
    return [record_column(name, work / file) for name, file in COLUMN_FILES.items()]


def _work_name(config: BuildConfig, identity: EncoderIdentity) -> str:
    """Names a build by its input files as they are now and by what decides its result."""
    files: list[Any] = []
    for uri in config.pairs:
        location = Location(uri)
        children = location.children(recursive=True) if location.info().is_file is False else []
        entries = children or [("", location.info())]
        files.append([uri, [[name, info.size, str(info.mtime_ns)] for name, info in entries]])
    options: Mapping[str, Any] = {
        name: value
        for name, value in asdict(config).items()
        if name not in ("pairs", "out", "device", "layout_device", "workers", "wait_seconds", "address")
    }
    content = json.dumps([files, options, asdict(identity)], sort_keys=True)
    return f"build-{hashlib.blake2b(content.encode(), digest_size=8).hexdigest()}"
