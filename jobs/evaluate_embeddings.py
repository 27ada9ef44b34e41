"""Is this embedding model good? Five plots, numbers with intervals, a checklist and a verdict.

Reads queries and what is relevant to them: a JSON list, JSONL, Parquet, or a dataset saved to disk, with the columns
query, pos and, if there are any, hard_neg (or anchor/positive/negative, question/answer). Several positives make a
list, or several rows. Writes into a folder the five plots as PNG, all of it as one page index.html that needs no
network, evaluation.json, and report.txt for a model card. Of several encoders the first is the baseline: the others
are compared with it query by query. The exit code is 0 whatever the verdict.

With --snapshot also: does an encoder change who is rare? Its weights of the snapshot's prompts, against those of the
snapshot's own encoder.

Examples:
    python -m jobs.evaluate_embeddings --data queries.jsonl --encoder sentence:all-MiniLM-L6-v2 --out evaluation
    python -m jobs.evaluate_embeddings --data data.json --checkpoint epoch1.pt epoch5.pt --output visualizations/
    python -m jobs.evaluate_embeddings --data queries.jsonl --encoder hashing checkpoint:models/sft --snapshot store
    python -m jobs.evaluate_embeddings --data queries.jsonl --checkpoint best.pt --base-model all-MiniLM-L6-v2
    python -m jobs.evaluate_embeddings --embeddings pairs.pt --skip-umap
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from jobs.command import OptionsError, refuse_relative, run_job
from kat_ray.encoders.encoder import EncoderConfig, Pooling, Precision
from kat_ray.encoders.projection import DEFAULT_BASE
from kat_ray.encoders.spec import checkpoint_files
from kat_ray.engine.evaluation.evaluation import evaluate
from kat_ray.engine.evaluation.options import Drawing, EvaluationConfig


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What is evaluated, on what, and how."""

    data: str | None = None
    """Queries and what is relevant to them; only ready vectors, where row i is right for row i, do without."""
    encoder: tuple[str, ...] = ()
    """sentence:NAME, checkpoint:PATH-or-hub-id, projection:FILE.pt@BASE, or hashing; several are compared."""
    checkpoint: tuple[str, ...] = ()
    """Files .pt of a linear projection over --base-model: state dicts, or with a model_state_dict; after encoders."""
    base_model: str = DEFAULT_BASE
    """Transformer below every --checkpoint: a hub id or folder. A checkpoint that holds it needs only its tokenizer."""
    embeddings: tuple[str, ...] = ()
    """Ready vectors: .pt files with query and positive, or .npy [2, N, D]; with --data a row for each distinct text."""
    document_embeddings: tuple[str, ...] = ()
    """The documents of each file of --embeddings that holds queries alone."""
    out: Annotated[str, tyro.conf.arg(aliases=["--output"])] = "visualizations"
    """Folder or s3:// URI for the files; each of several encoders has a folder in it."""
    max_samples: int = 500
    """Queries to use: the first ones. 100 are quick, 500 recommended, 10,000 possible."""
    batch_size: int = 32
    """Texts that an encoder is given at a time; fewer take less memory."""
    skip_umap: bool = False
    """Draw no UMAP map."""
    skip_tsne: bool = False
    """Draw no t-SNE map; without any map the verdict is open."""
    snapshot: str | None = None
    """Store or snapshot on whose prompts to ask who is rare."""
    max_prompts: int = 5000
    """Prompts of the snapshot to ask this of, drawn evenly."""
    pooling: Pooling = "auto"
    """How token vectors become one; logits is for checkpoint:."""
    token_limit: int | None = None
    """Tokens read of a text; the encoder's own limit by default."""
    precision: Precision = "auto"
    """Numbers inside the encoder; auto takes bfloat16 or float16 where the hardware has it, never int8."""
    seed: int = 42
    """Seed of the maps and of the drawn prompts."""
    device: Literal["auto", "cpu", "gpu", "cuda"] = "auto"
    """auto takes GPUs when the cluster has some; cuda is another name of gpu."""
    workers: int | None = None
    """Encoders at once, on all nodes together; by default as many as there are CPUs or GPUs for."""
    wait_seconds: float = 0.0
    """How long an autoscaler may take to bring the asked-for hardware."""
    address: str | None = None
    """Ray cluster to join; RAY_ADDRESS or an embedded one by default."""


def run(options: EvaluateOptions) -> dict[str, Any]:
    """Evaluate, show the cards, and return the keys of the summary line."""
    if not (options.encoder or options.checkpoint or options.embeddings):
        raise OptionsError("Name what to evaluate: --encoder, --checkpoint or --embeddings; see --help.")
    if options.data is None and (options.encoder or options.checkpoint):
        raise OptionsError("--data is missing: an encoder needs queries and what is relevant to them; see --help.")
    encoders = tuple(_encoders(options))
    files = [file for encoder in encoders for file in checkpoint_files(encoder.spec)]
    files += (*options.embeddings, *options.document_embeddings)
    refuse_relative(options.out, options.data, options.snapshot, *files)
    result = evaluate(
        EvaluationConfig(
            out=options.out,
            data=options.data,
            encoders=encoders,
            vectors=options.embeddings,
            document_vectors=options.document_embeddings,
            max_samples=options.max_samples,
            batch_size=options.batch_size,
            drawing=Drawing(options.skip_tsne, options.skip_umap, seed=options.seed),
            snapshot=options.snapshot,
            max_prompts=options.max_prompts,
            device="gpu" if options.device == "cuda" else options.device,
            workers=options.workers,
            wait_seconds=options.wait_seconds,
            address=options.address,
        )
    )
    print(result.text, file=sys.stderr)
    return result.summary


def _encoders(options: EvaluateOptions) -> Iterator[EncoderConfig]:
    projections = [f"projection:{path}@{options.base_model}" for path in options.checkpoint]
    for spec in (*options.encoder, *projections):
        yield EncoderConfig(spec, precision=options.precision, pooling=options.pooling, token_limit=options.token_limit)


if __name__ == "__main__":
    raise SystemExit(run_job("evaluate_embeddings", EvaluateOptions, run, __doc__))
