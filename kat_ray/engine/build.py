"""The whole line in one call: pairs -> prompts -> embeddings -> neighbors -> scores and layout -> published snapshot.

Every stage leaves its columns and its record in a work folder of the store, named by the input and the options, so a
broken build goes on where it stopped. The driver holds names and counts; memory of the stages stands in their modules.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from typing import Any, Literal, cast

from tqdm import tqdm

from kat_ray.encoders.encoder import EncoderConfig, EncoderIdentity
from kat_ray.encoders.loading import identify_encoder
from kat_ray.engine.build_options import BuildConfig, work_name
from kat_ray.engine.embedding import EmbeddingSummary, embed
from kat_ray.engine.memory import PeakMemory
from kat_ray.engine.neighbors import NeighborsSummary, find_neighbors
from kat_ray.engine.prompts import PromptsSummary, make_prompts
from kat_ray.engine.scores import Scores, ScoringConfig, score_and_lay_out
from kat_ray.engine.session import (
    Cluster,
    count_workers,
    require_shared,
    resolve_address,
    resolve_device,
    session,
)
from kat_ray.engine.split_rows import PromptsConfig
from kat_ray.engine.tasks import run_task
from kat_ray.geometry.layout import LayoutConfig
from kat_ray.snapshot.diagnostics import Diagnostics
from kat_ray.snapshot.manifest import COLUMN_FILES, ColumnRecord, Counts, Manifest, record_column, snapshot_id
from kat_ray.snapshot.store import MANIFEST_NAME, PublishResult, Store, read_manifest
from kat_ray.storage import Location

_LIBRARIES = (
    *(
        "numpy",
        "pyarrow",
        "ray",
        "torch",
        "openvino",
        "tokenizers",
        "umap-learn",
        "pynndescent",
        "scikit-learn",
        "igraph",
    ),
    *("faiss-cpu", "faiss-gpu", "cuml-cu13"),
)
_SMALLEST_K = 20


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
        line.clean_up()
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
            work=store.location / ".work" / work_name(config, identity),
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
            "encoder": self.identity.decisive(),
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

    def clean_up(self) -> None:
        """Remove the work folder; when no other build has one, also the vectors that broken builds left behind."""
        self.work.delete()
        shared = self.store.location / ".work"
        names = [name for name, _ in shared.children()]
        if not any(name.startswith("build-") for name in names):
            for name in names:
                (shared / name).delete()

    def embed(self) -> EmbeddingSummary:
        """Vectors of all prompts, taken from snapshots of the same encoder where they hold them."""
        snapshots = [self.store.folder(entry.snapshot_id) for entry in self.store.list()]
        mine = self.identity.decisive()
        same = [folder for folder in snapshots if read_manifest(folder).parameters["encoder"] == mine]
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
            libraries={name: version(name) for name in _LIBRARIES if list(distributions(name=name))},
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
