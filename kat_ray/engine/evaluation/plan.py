"""What an evaluation is about to do: reads and checks everything before anything is encoded.

Runs on a worker, which sees the files; knows nothing of how work is shared out.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from kat_ray.encoders.loading import identify_encoder
from kat_ray.engine.evaluation.options import EvaluationConfig
from kat_ray.engine.evaluation.prompts import PromptSample, sample_prompts
from kat_ray.engine.evaluation.subject import PairSubject, Subject, TextSubject
from kat_ray.errors import ResourceError
from kat_ray.evaluation.relevance import EvaluationSet
from kat_ray.evaluation.vectors import read_vector_pairs
from kat_ray.storage import Location


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """The set, how many texts of it are encoded, prompts to weigh, and what was left out."""

    subject: Subject
    num_texts: int
    sample: PromptSample | None
    notices: tuple[str, ...]


def plan_evaluation(config: EvaluationConfig) -> EvaluationPlan:
    """What there is to evaluate on, so that what is wrong with it shows before anything is encoded."""
    _require_writable(Location(config.out))
    sample = None
    if config.snapshot is not None:
        sample = sample_prompts(config.snapshot, config.max_prompts, config.drawing.seed)
    if config.data is None:
        pairs = PairSubject.of(config.vector_files, config.max_samples)
        return EvaluationPlan(pairs, 0, sample, _told_of_pairs(pairs))
    subject, texts = TextSubject.of(config.data, config.max_samples, has_vectors=bool(config.vectors))
    for uri, documents_uri in config.vector_files:
        subject.choose(str(Location(uri)), read_vector_pairs(uri, documents_uri))
    return EvaluationPlan(subject, len(texts.queries) + len(texts.documents), sample, _told_of_texts(texts))


def require_encoders(config: EvaluationConfig) -> None:
    """Each as it is to run, on hardware that was decided: a worker like those that run them asks for a GPU or not.

    Raises:
        KatRayError: one that is not there, or cannot be used so.
    """
    for encoder in config.encoders:
        identify_encoder(encoder)


def _require_writable(out: Location) -> None:
    """Leaves nothing behind, and knows of nobody else who writes there."""
    try:
        probe = _existing(out) / f".{uuid.uuid4().hex}.writable"
        probe.write_bytes(b"")
        probe.delete()
    except OSError as error:
        raise ResourceError(f"Cannot write into {out} ({error}); name another folder for the files.") from error


def _existing(folder: Location) -> Location:
    """The folder, or the nearest one above it that is there; object stores make none."""
    if not folder.is_local:
        return folder
    path = Path(folder.path)
    return Location(str(next(above for above in (path, *path.parents) if above.exists())))


def _told_of_pairs(pairs: PairSubject) -> tuple[str, ...]:
    told = []
    if len(pairs.firsts) < pairs.num_pairs:
        told.append(f"The first {len(pairs.firsts):,} of {pairs.num_pairs:,} pairs (--max-samples).")
    if pairs.num_joined:
        told.append(
            f"{pairs.num_joined:,} of {len(pairs.firsts):,} documents are equal to earlier ones and count as one with "
            "them; the numbers of documents leave them out."
        )
    if pairs.num_apart:
        told.append(
            f"{pairs.num_apart:,} of {len(pairs.firsts):,} documents are equal to earlier ones but count apart, since "
            "so are most pairs or all documents, as with an encoder that tells no texts apart; if it is the texts that "
            "repeat, give --data."
        )
    return tuple(told)


def _told_of_texts(texts: EvaluationSet) -> tuple[str, ...]:
    """Also how many more queries there are: against fewer documents each of them is easier to answer."""
    told = []
    if texts.num_unused:
        told.append(
            f"The first {len(texts.queries):,} queries; {texts.num_unused:,} rows with others were left out, and their "
            "documents with them (--max-samples)."
        )
    if texts.num_blank:
        told.append(f"{texts.num_blank:,} blank positives were left out.")
    return tuple(told)
