"""Embed prompts: one unit row a prompt, in input order.

Reads a folder written by make_prompts, or files of rows with `prefix` or `prompt`, whose duplicates are collapsed.
Writes embeddings.npy, num_tokens.npy and ids.json into a folder, or one embeddings.pt {"ids", "emb"}.

Examples:
    python -m jobs.embed --data data --out data
    python -m jobs.embed --data prefixes_all.jsonl --encoder checkpoint:models/sft --out embeddings.pt
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs.command import run_job
from kat_ray.encoders.encoder import DEFAULT_SPEC, EncoderConfig, Pooling, Precision
from kat_ray.encoders.loading import identify_encoder
from kat_ray.encoders.spec import anchored_spec, checkpoint_files
from kat_ray.engine.embedding import embed
from kat_ray.engine.hardware import resolve_hardware
from kat_ray.engine.prompts import make_prompts
from kat_ray.engine.session import Device, count_workers, require_shared, session
from kat_ray.engine.split_rows import PromptsConfig
from kat_ray.engine.tasks import run_task
from kat_ray.engine.work import clean_up, work_folder
from kat_ray.records import TextRendering
from kat_ray.snapshot.columns import read_npy, read_table
from kat_ray.snapshot.embedding_files import write_ids, write_pt
from kat_ray.storage import Location


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """What is embedded, by which encoder, on which hardware."""

    data: str
    """A folder written by make_prompts, or a file of rows: JSONL, JSONL.gz, Parquet."""
    out: str
    """Folder or s3:// URI for the arrays, or a file that ends in .pt."""
    encoder: str = DEFAULT_SPEC
    """sentence:NAME, checkpoint:PATH-or-hub-id, projection:FILE.pt@BASE, or hashing."""
    text: TextRendering = "first_user"
    """What is embedded of a row; a folder of make_prompts has it decided."""
    pooling: Pooling = "auto"
    """How token vectors become one; logits is for checkpoints."""
    token_limit: int | None = None
    """Tokens read of a prompt; the encoder's own limit by default."""
    precision: Precision = "auto"
    """Numbers inside the encoder; auto takes bfloat16 or float16 where the hardware has it, never int8."""
    device: Device = "auto"
    """auto takes GPUs when the cluster has some."""
    workers: int | None = None
    """Encoders; all CPUs or GPUs of the cluster by default."""
    wait_seconds: float = 0.0
    """How long an autoscaler may take to bring the asked-for hardware."""
    address: str | None = None
    """Ray cluster to join; RAY_ADDRESS or an embedded one by default."""


def run(options: EmbedOptions) -> dict[str, Any]:
    """Embed and write the files; a killed run is continued."""
    data, out = Location(options.data), Location(options.out)
    as_pt = out.name.endswith(".pt")
    parent = out.beside(".parts") if as_pt else out
    with session(options.address):
        require_shared([data, out, *map(Location, checkpoint_files(options.encoder))])
        device = resolve_hardware(options.device, ("encoder",), options.wait_seconds)
        spec = anchored_spec(options.encoder)
        config = EncoderConfig(spec, device, options.precision, options.pooling, options.token_limit)
        identity = run_task(identify_encoder, config, num_gpus=int(device == "gpu"))
        prompts = data / "prompts.parquet"
        is_table = prompts.exists()
        work = work_folder(parent, [prompts if is_table else data], {"text": options.text, **identity.decisive()})
        if not is_table:
            make_prompts([options.data], work / "input", PromptsConfig(options.text))
            prompts = work / "input" / "prompts.parquet"
        num_workers = count_workers(device, options.workers, options.wait_seconds)
        summary = embed(prompts, work, config, identity, work / "blocks", [], num_workers)
        run_task(_write_pt if as_pt else _write_arrays, prompts, work, out)
        clean_up(work, parent)
        if as_pt:
            parent.delete()
    return {
        "embedded": summary.num_embedded,
        "reused": summary.num_reused,
        "truncated": summary.num_truncated,
        "dimension": identity.dimension,
        "encoder": identity.name,
        "precision": identity.precision,
        "out": out.shareable,
        "seconds": round(summary.seconds, 2),
    }


def _write_pt(prompts: Location, work: Location, out: Location) -> None:
    """Worker: ids and vectors in one file."""
    write_pt(out, read_table(prompts, ["id"])["id"].to_pylist(), read_npy(work / "embeddings.npy"))


def _write_arrays(prompts: Location, work: Location, out: Location) -> None:
    """Worker: the arrays, and the ids beside them."""
    write_ids(out, read_table(prompts, ["id"])["id"].to_pylist())
    for name in ("embeddings.npy", "num_tokens.npy"):
        (work / name).move_to(out / name)


if __name__ == "__main__":
    raise SystemExit(run_job("embed", EmbedOptions, run, __doc__))
