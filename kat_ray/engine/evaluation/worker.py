"""What one worker does of an evaluation: encode the texts, score and draw them, and weigh a snapshot's prompts.

Knows one encoder, or ready vectors in its place, and tells step by step what it does; nothing of where it runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kat_ray.arrays import Float32Matrix, Float64Vector
from kat_ray.encoders.encoder import Encoder
from kat_ray.encoders.loading import load_encoder
from kat_ray.engine.evaluation.candidates import Candidate
from kat_ray.engine.evaluation.options import Drawing
from kat_ray.engine.evaluation.prompts import PromptSample
from kat_ray.engine.evaluation.subject import Subject
from kat_ray.errors import ResourceError
from kat_ray.evaluation.checklist import judge
from kat_ray.evaluation.excerpts import similarity_block
from kat_ray.evaluation.figures.files import TSNE, UMAP, write_figures
from kat_ray.evaluation.labels import Labels
from kat_ray.evaluation.maps import DrawnMap, Maps, tsne, umap
from kat_ray.evaluation.measures import Measure, measure, share
from kat_ray.evaluation.page_data import Evaluated
from kat_ray.evaluation.relevance import EvaluationSet, Relevance
from kat_ray.evaluation.report import Report
from kat_ray.evaluation.scores import score
from kat_ray.evaluation.vectors import read_vector_pairs
from kat_ray.storage import Location

_Details = dict[str, str | float | None]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """All that is known of one candidate."""

    evaluated: Evaluated
    """Without texts."""
    weights: Float64Vector | None
    """Of the sampled prompts [n]."""
    files: list[str]
    notices: list[str]


Steps = Generator[int | str | Found, None, None]
"""Texts that were encoded since, what comes next, and at the end what was found."""


def evaluate_candidate(
    candidate: Candidate,
    subject: Subject,
    drawing: Drawing,
    sample: PromptSample | None,
    folder: Location,
    batch_size: int,
) -> Steps:
    """Evaluate one candidate and write its plots into a folder.

    Raises:
        KatRayError: an encoder that cannot be had, vectors that do not fit.
    """
    texts, relevance = subject.read()
    weights, details = None, _Details()
    if candidate.encoder is None or texts is None:
        ready = read_vector_pairs(str(candidate.vectors), candidate.document_vectors)
        queries, documents = subject.choose(candidate.name, ready)
        details |= {"dimensions": queries.shape[1]}
    else:
        yield "loading"
        encoder = load_encoder(candidate.encoder)
        queries, cut_queries = yield from _encode(encoder, texts.queries, batch_size)
        documents, cut_documents = yield from _encode(encoder, texts.documents, batch_size)
        details |= _describe(encoder, cut_queries + cut_documents)
        if sample is not None:
            weights = yield from _weigh(encoder, sample, batch_size)
    yield "scores"
    scores = score(queries, documents, relevance)
    measures = measure(scores, relevance)
    maps, notices = yield from _draw(np.concatenate([queries, documents]), relevance, drawing)
    judgment = judge(measures, _clustered(maps), relevance.num_queries)
    report = Report(candidate.name, relevance, scores, measures, judgment, None, details | _trust(maps))
    yield "plots"
    block = similarity_block(queries, documents, relevance)
    with tempfile.TemporaryDirectory() as kept:
        made = write_figures(Path(kept), candidate.name, Labels.of(texts), scores, relevance, maps, block)
        for name in made:
            (folder / name).write_bytes((Path(kept) / name).read_bytes())
    for name in {TSNE, UMAP} - set(made):
        (folder / name).delete()  # of an earlier run
    yield Found(Evaluated(report, maps, block), weights, made, notices)


def with_texts(found: Found, texts: EvaluationSet | None) -> Evaluated:
    """What was found, with the texts that did not travel."""
    return replace(found.evaluated, report=replace(found.evaluated.report, texts=texts))


def _encode(encoder: Encoder, texts: Sequence[str], batch_size: int) -> Generator[int, None, tuple[Float32Matrix, int]]:
    """Unit rows [N, D], and how many texts were cut at the token limit."""
    vectors = np.empty((len(texts), encoder.identity.dimension), np.float32)
    num_cut = 0
    for start in range(0, len(texts), batch_size):
        part = texts[start : start + batch_size]
        tokens = encoder.tokenize(part)
        vectors[start : start + len(part)] = encoder.encode(tokens)
        num_cut += int((tokens.full_lengths > tokens.lengths).sum())
        yield len(part)
    return vectors, num_cut


def _weigh(encoder: Encoder, sample: PromptSample, batch_size: int) -> Generator[int | str, None, Float64Vector]:
    """Weights of the sampled prompts; the snapshot's own encoder has their vectors there."""
    if encoder.identity.decisive() == sample.encoder.decisive():
        vectors = sample.vectors()
        yield sample.num_prompts
    else:
        vectors, _ = yield from _encode(encoder, sample.texts(), batch_size)
    yield "who is rare"
    return sample.weigh(vectors)


def _describe(encoder: Encoder, num_cut: int) -> _Details:
    identity = encoder.identity
    return {
        "model": identity.name,
        "revision": identity.revision,
        "dimensions": identity.dimension,
        "pooling": identity.pooling,
        "precision": identity.precision,
        "token limit": identity.token_limit,
        "texts cut": num_cut,
        **({} if encoder.epoch is None else {"epoch": encoder.epoch}),
    }


def _draw(
    vectors: Float32Matrix, relevance: Relevance, drawing: Drawing
) -> Generator[str, None, tuple[Maps, list[str]]]:
    """The maps that can be had, and why others cannot."""
    drawn: dict[str, DrawnMap] = {}
    notices = []
    for name, is_skipped, method in (("t-SNE", drawing.skip_tsne, tsne), ("UMAP", drawing.skip_umap, umap)):
        if not is_skipped:
            yield name
            try:
                points = method(vectors, seed=drawing.seed, device=drawing.device)
            except ResourceError as error:
                notices.append(f"{name} is left out: {error}")
            else:
                drawn[name] = DrawnMap.of(points, vectors, relevance)
    return Maps(drawn.get("t-SNE"), drawn.get("UMAP")), notices


def _clustered(maps: Maps) -> Measure | None:
    """The share of own positives near their query, in the t-SNE map if there is one."""
    drawn = maps.tsne or maps.umap
    return None if drawn is None or drawn.near is None else share(drawn.near)


def _trust(maps: Maps) -> _Details:
    """What is told of the maps."""
    told: _Details = {}
    for name, drawn in (("t-SNE", maps.tsne), ("UMAP", maps.umap)):
        if drawn is not None:
            told[f"{name} near"] = None if drawn.near is None else float(drawn.near.mean())
            told[f"{name} trust"] = drawn.trustworthiness
    return told
