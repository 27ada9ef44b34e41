"""Everything an evaluation can be told, with its defaults and checks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.spec import anchored_spec, checkpoint_files
from kat_ray.engine.session import Device
from kat_ray.errors import InputError
from kat_ray.storage import Location


@dataclass(frozen=True, slots=True)
class Drawing:
    """Which maps are drawn, and on what."""

    skip_tsne: bool = False
    skip_umap: bool = False
    device: Literal["cpu", "gpu"] = "cpu"
    seed: int = 42


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """What is evaluated, on what, and where to."""

    out: str
    """Folder for plots, page and numbers."""
    data: str | None = None
    """Queries and what is relevant to them; None where only vectors are given, document i being right for query i."""
    encoders: tuple[EncoderConfig, ...] = ()
    """Encoders, the first of which is the baseline of a comparison; device and threads are decided here."""
    vectors: tuple[str, ...] = ()
    """Files of ready vectors, after the encoders."""
    document_vectors: tuple[str, ...] = ()
    """One for each file of `vectors` that holds queries alone; or none."""
    max_samples: int = 500
    """Queries: the first ones."""
    batch_size: int = 32
    """Texts that an encoder is given at a time."""
    drawing: Drawing = field(default_factory=Drawing)
    """Its device is decided here."""
    snapshot: str | None = None
    """Store or snapshot of whose prompts is asked who is rare."""
    max_prompts: int = 5000
    """Prompts that this is asked of, drawn evenly."""
    device: Device = "auto"
    """auto takes GPUs when the cluster has some."""
    workers: int | None = None
    """Encoders at once, on all nodes together; by default as many as there are CPUs or GPUs for."""
    wait_seconds: float = 0.0
    """How long an autoscaler may take to bring the asked-for hardware."""
    address: str | None = None
    """Ray cluster to join; RAY_ADDRESS or an embedded one by default."""

    def __post_init__(self) -> None:
        for name in ("max_samples", "batch_size", "max_prompts", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name.replace('_', '-')} is {value}, expected at least 1.")
        if not self.encoders and not self.vectors:
            raise InputError("There is nothing to evaluate: name an encoder, a checkpoint or a file of vectors.")
        if self.encoders and self.data is None:
            raise InputError("An encoder needs --data, a file with queries and what is relevant to them.")
        if self.snapshot is not None and not self.encoders:
            raise InputError("Who is rare on --snapshot is asked of encoders; ready vectors do not hold its prompts.")
        if self.document_vectors and len(self.document_vectors) != len(self.vectors):
            raise InputError(
                f"There are {len(self.vectors)} files of vectors and {len(self.document_vectors)} of documents' "
                "vectors; expected one for each, or none."
            )

    @property
    def vector_files(self) -> list[tuple[str, str | None]]:
        """Each file of vectors with that of its documents, None where they are in one."""
        return list(zip(self.vectors, self.document_vectors or (None,) * len(self.vectors), strict=True))


def anchored(config: EvaluationConfig) -> EvaluationConfig:
    """With paths from the root: workers of a running cluster have a working folder of their own."""

    def whole(uri: str) -> str:
        location = Location(uri)
        return location.path if location.is_local else uri

    return replace(
        config,
        out=whole(config.out),
        data=None if config.data is None else whole(config.data),
        snapshot=None if config.snapshot is None else whole(config.snapshot),
        encoders=tuple(replace(encoder, spec=anchored_spec(encoder.spec)) for encoder in config.encoders),
        vectors=tuple(map(whole, config.vectors)),
        document_vectors=tuple(map(whole, config.document_vectors)),
    )


def inputs(config: EvaluationConfig) -> list[tuple[Location, str]]:
    """All that workers read, but folders of models, and what is expected there."""
    given = [
        (config.data, "queries in a JSON, JSONL or Parquet file, or a folder of them"),
        (config.snapshot, "a store or a snapshot"),
        *((file, "vectors in a .npy or .pt file") for file in (*config.vectors, *config.document_vectors)),
        *((file, "a checkpoint in a .pt file") for each in config.encoders for file in checkpoint_files(each.spec)),
    ]
    return [(Location(uri), expected) for uri, expected in given if uri is not None]
