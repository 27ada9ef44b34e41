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
from kat_ray.encoders.spec import anchored_spec, checkpoint_files
from kat_ray.engine.build_options import BuildConfig
from kat_ray.engine.embedding import EmbeddingSummary, embed
from kat_ray.engine.hardware import resolve_hardware
from kat_ray.engine.kept_map import identify_map
from kat_ray.engine.memory import PeakMemory
from kat_ray.engine.neighbors import NeighborsSummary, find_neighbors
from kat_ray.engine.prompts import PromptsSummary, make_prompts
from kat_ray.engine.reuse import snapshots_with_graph, snapshots_with_vectors, take_columns
from kat_ray.engine.scores import Scores, ScoringConfig, score_and_lay_out
from kat_ray.engine.session import (
    Cluster,
    count_workers,
    require_shared,
    resolve_address,
    session,
)
from kat_ray.engine.tasks import run_task
from kat_ray.engine.work import WORK_NAME, clean_up, work_folder
from kat_ray.geometry.layout import LAYOUT_FORM
from kat_ray.pairs.splits import find_files
from kat_ray.snapshot.card import render_card
from kat_ray.snapshot.column_record import ColumnRecord, record_column
from kat_ray.snapshot.diagnostics import Diagnostics
from kat_ray.snapshot.manifest import COLUMN_FILES, Counts, Manifest, snapshot_id
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import MANIFEST_NAME, PublishResult, Store, read_manifest
from kat_ray.storage import Location

_LIBRARIES = (
    *("numpy", "pyarrow", "ray", "torch", "openvino", "tokenizers"),
    *("umap-learn", "cuml-cu13", "scikit-learn", "igraph"),
)


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did; `as_summary` is the job's last line. Peak memory is known for an embedded cluster only."""

    prompts: PromptsSummary
    embedded: int
    published: PublishResult
    location: Location
    card: str
    seconds: float
    peak_memory_bytes: int | None

    def as_summary(self) -> dict[str, Any]:
        """Keys of the stable interface, then what became of the build."""
        counts = self.prompts
        return {
            "rows": counts.rows,
            "prompts": counts.num_prompts,
            "embedded": self.embedded,
            "reused": counts.num_prompts - self.embedded,
            "snapshot_id": self.published.snapshot_id,
            "snapshot": self.location.shareable,
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
    find_files([uri for uri in config.pairs if Location(uri).is_local])  # a mistyped path is told before Ray starts
    with ExitStack() as stack:
        embedded_cluster = resolve_address(config.address) == "local"
        cluster = stack.enter_context(session(config.address))
        memory = stack.enter_context(PeakMemory()) if embedded_cluster else None
        require_shared([Location(uri) for uri in (*config.pairs, config.out, *checkpoint_files(config.encoder))])
        line = _Line.plan(config, cluster)
        prompts = make_prompts(config.pairs, line.work, config.prompts)
        embedded, published = line.publish(prompts)
        clean_up(line.work, line.store.location)
        location = line.store.folder(published.snapshot_id)
        card = run_task(_render_card, location)
    return BuildResult(
        prompts=prompts,
        embedded=embedded,
        published=published,
        location=location,
        card=card,
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
    map_of: tuple[str, Location] | None  # id and folder

    @classmethod
    def plan(cls, config: BuildConfig, cluster: Cluster) -> _Line:
        """Resolve hardware and encoder before any work, so that what is missing is said in seconds."""
        device = resolve_hardware(config.device, ("encoder", "neighbors"), config.wait_seconds)
        layout_device = resolve_hardware(config.layout_device or config.device, ("layout",), config.wait_seconds)
        encoder = EncoderConfig(
            spec=anchored_spec(config.encoder),
            device=device,
            precision=config.precision,
            pooling=config.pooling,
            token_limit=config.token_limit,
        )
        identity = run_task(identify_encoder, encoder, num_gpus=int(device == "gpu"))
        store = Store(Location(config.out))
        map_of = run_task(identify_map, config.map_of, identity.decisive()) if config.map_of else None
        decisive = {**config.decisive(), **identity.decisive(), "map_of": map_of and map_of[0]}
        line = cls(
            config=config,
            store=store,
            work=work_folder(store.location, [Location(uri) for uri in config.pairs], decisive),
            device=device,
            layout_device=layout_device,
            num_workers=count_workers(device, config.workers, config.wait_seconds),
            encoder=encoder,
            identity=identity,
            map_of=map_of,
        )
        tqdm.write(f"build on {cluster}: {identity.name} in {identity.precision} on {device}", file=sys.stderr)
        return line

    def parameters(self, prompts: PromptsSummary) -> dict[str, Any]:
        """All that decides the numbers, and nothing else: no device, worker count or path."""
        config = self.config
        return {
            "input_hash": prompts.input_hash,
            "text": config.prompts.text,
            "dedupe_by": config.dedupe_by,
            "encoder": self.identity.decisive(),
            "k": config.k,
            "stored_k": self.config.stored_k,
            "index": config.index,
            "weights": asdict(config.weighting),
            "duplicate_distance": config.duplicate_distance,
            "layout": {"n_neighbors": config.n_neighbors, "min_dist": config.min_dist},
            "layout_form": LAYOUT_FORM,
            **({"map_of": self.map_of[0]} if self.map_of else {}),
            "seed": config.seed,
        }

    def publish(self, prompts: PromptsSummary) -> tuple[int, PublishResult]:
        """Make or recognize the snapshot of these prompts; returns how many were embedded now, and what became of it.

        The manifest is kept beside the columns first, so that a broken publication is completed by the next run.
        """
        parameters = self.parameters(prompts)
        name = self._made_before(parameters) or snapshot_id(parameters)
        if self.store.holds(name):
            self.store.set_current(name)
            same = self.store.manifest(name).counts == _counts(prompts)
            return 0, PublishResult(name, "recognized") if same else PublishResult(name, "kept_first", ("rejects",))
        embedded, pending = 0, self.work / MANIFEST_NAME
        if not pending.exists():
            take_columns(self.store, self.work, parameters)
            embeddings = self.embed()
            embedded = embeddings.num_embedded
            pending.write_bytes(self.manifest(prompts, parameters, embeddings).to_json())
        return embedded, self.store.publish(self.work, read_manifest(self.work))

    def _made_before(self, parameters: dict[str, Any]) -> str | None:
        """The snapshot whose map should go on, where it is what this very build made from an earlier map."""
        if self.map_of is None or not self.store.holds(self.map_of[0]):
            return None
        others = [{**made, "map_of": None} for made in (parameters, self.store.manifest(self.map_of[0]).parameters)]
        return self.map_of[0] if others[0] == others[1] else None

    def embed(self) -> EmbeddingSummary:
        """Vectors of all prompts, taken from snapshots of the same encoder where they hold them."""
        sound = snapshots_with_vectors(self.store, self.identity.decisive())
        cache = self.store.location / WORK_NAME
        prompts = self.work / "prompts.parquet"
        return embed(prompts, self.work, self.encoder, self.identity, cache, sound, self.num_workers)

    def find_neighbors(self) -> NeighborsSummary:
        """The graph, grown from one that a snapshot has of nearly the same prompts where there is one."""
        k, index = self.config.stored_k, self.config.index
        sound = snapshots_with_graph(self.store, self.identity.decisive(), k) if index == "exact" else []
        return find_neighbors(self.work, k, index, self.device, self.num_workers, self.config.seed, sound)

    def manifest(self, prompts: PromptsSummary, parameters: dict[str, Any], embeddings: EmbeddingSummary) -> Manifest:
        """Run the stages after the embeddings and describe what they made."""
        config = self.config
        graph = self.find_neighbors()
        scoring = ScoringConfig(
            k=config.k,
            weighting=config.weighting,
            duplicate_distance=config.duplicate_distance,
            seed=config.seed,
        )
        map_of = self.map_of and self.map_of[1]
        scores = score_and_lay_out(self.work, scoring, config.drawing(self.layout_device), map_of)
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


def _render_card(location: Location) -> str:
    """Worker: the driver holds names and counts, not columns."""
    return render_card(Snapshot.open(location))


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
        yield f"k was clamped from {config.k} to {graph.k}, since N = {graph.k + 1}."
    if graph.k < config.n_neighbors:
        yield f"n_neighbors was clamped from {config.n_neighbors} to {graph.k}, since N = {graph.k + 1}."


def _record_columns(work: Location) -> list[ColumnRecord]:
    """Worker: checksums of all column files."""
    return [record_column(name, work / file) for name, file in COLUMN_FILES.items()]
