"""The evaluation of encoders: a worker for each, and one that puts together what they found.

Knows where work runs, how much of a machine an encoder gets, and where files go; numbers and plots stand in
`kat_ray.evaluation`. The driver holds names, and numbers of the queries; texts and vectors stay with the workers.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.projection import split_target
from kat_ray.engine.evaluation_prompts import PromptSample, own_weights, sample_prompts
from kat_ray.engine.evaluation_worker import Candidate, Drawing, Found, Subject, evaluate_candidate, with_texts
from kat_ray.engine.hardware import resolve_hardware
from kat_ray.engine.session import Cluster, Device, require_shared, session
from kat_ray.engine.tasks import Call, run_task, run_with_progress
from kat_ray.errors import InputError
from kat_ray.evaluation.rarity import Rarity, RarityComparison, compare_rarity
from kat_ray.evaluation.report import Report, data, rarity_as_dict
from kat_ray.evaluation.results import Results, write_results
from kat_ray.evaluation.vectors import read_vector_pairs
from kat_ray.storage import Location

_SLUG_CHARACTERS = 60
_IN_SUMMARY = ("margin", "separation", "rank1_share", "mrr@10", "recall@10", "ndcg@10", "map@100")
_Device = Literal["cpu", "gpu"]


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
    wait_seconds: float = 0.0
    address: str | None = None

    def __post_init__(self) -> None:
        for name in ("max_samples", "batch_size", "max_prompts"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name.replace('_', '-')} is {getattr(self, name)}, expected at least 1.")
        if not self.encoders and not self.vectors:
            raise InputError("There is nothing to evaluate: name an encoder, a checkpoint or a file of vectors.")
        if self.encoders and self.data is None:
            raise InputError("An encoder needs --data, a file with queries and what is relevant to them.")
        if self.document_vectors and len(self.document_vectors) != len(self.vectors):
            raise InputError(
                f"There are {len(self.vectors)} files of vectors and {len(self.document_vectors)} of documents' "
                "vectors; expected one for each, or none."
            )


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What was found, for people and for programs."""

    text: str
    """The cards without texts of the set."""
    notices: tuple[str, ...]
    """What was left out, and why."""
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Plan:
    subject: Subject
    num_texts: int
    sample: PromptSample | None


def evaluate(config: EvaluationConfig) -> EvaluationResult:
    """Evaluate all encoders side by side and write the files.

    Plots of a single one lie in the folder itself, of several in a folder each; the page is of all.

    Raises:
        KatRayError: data, an encoder or a snapshot that cannot be used; hardware that is not there.
    """
    started = time.perf_counter()
    config = _anchored(config)
    candidates, out = _candidates(config), Location(config.out)
    folders = _folders(out, candidates)
    with session(config.address) as cluster:
        require_shared(_locations(config))
        plan = run_task(_look, config)
        calls, total = _calls(config, plan, candidates, folders, cluster)
        found: list[Found] = run_with_progress("evaluate", calls, total, unit="texts")
        told = run_task(_put_together, plan, found, folders, out)
    reports = [one.evaluated.report for one in found]
    summary: dict[str, Any] = {
        "evaluations": [_brief(report, folder) for report, folder in zip(reports, folders, strict=True)],
        **told.summary,
        "out": out.shareable,
        "seconds": round(time.perf_counter() - started, 2),
    }
    return replace(told, notices=tuple(_notices(found)), summary=summary)


def _anchored(config: EvaluationConfig) -> EvaluationConfig:
    """With paths from the root: workers of a running cluster have a working folder of their own."""

    def whole(uri: str) -> str:
        location = Location(uri)
        return location.path if location.is_local else uri

    def whole_spec(encoder: EncoderConfig) -> EncoderConfig:
        if encoder.kind != "projection":
            return encoder
        checkpoint, base = split_target(encoder.target)
        return replace(encoder, spec=f"projection:{whole(checkpoint)}@{base}")

    return replace(
        config,
        out=whole(config.out),
        data=None if config.data is None else whole(config.data),
        snapshot=None if config.snapshot is None else whole(config.snapshot),
        encoders=tuple(map(whole_spec, config.encoders)),
        vectors=tuple(map(whole, config.vectors)),
        document_vectors=tuple(map(whole, config.document_vectors)),
    )


def _candidates(config: EvaluationConfig) -> list[Candidate]:
    """Everything to be evaluated, by the shortest names that tell all apart."""
    origins = [_origin(encoder) for encoder in config.encoders]
    origins += [("", str(Location(vectors)), "") for vectors in config.vectors]
    whole = ["".join(origin) for origin in origins]
    if len(set(whole)) < len(whole):
        raise InputError(f"{max(whole, key=whole.count)} is named twice; name each encoder once.")
    documents = config.document_vectors or (None,) * len(config.vectors)
    made_of = [(encoder, None, None) for encoder in config.encoders] + [
        (None, vectors, own) for vectors, own in zip(config.vectors, documents, strict=True)
    ]
    return [
        Candidate(name, origin, *parts)
        for name, origin, parts in zip(_short_names(origins), whole, made_of, strict=True)
    ]


def _origin(encoder: EncoderConfig) -> tuple[str, str, str]:
    """Kind, path and base of a spec, without the credentials that a URI may hold."""
    if encoder.kind == "projection":
        checkpoint, base = split_target(encoder.target)
        return "projection:", str(Location(checkpoint)), f"@{base}"
    return (f"{encoder.kind}:", encoder.target, "") if encoder.target else ("", encoder.spec, "")


def _short_names(origins: Sequence[tuple[str, str, str]]) -> list[str]:
    """`projection:best.pt` for /runs/7/best.pt, or `projection:7/best.pt` where there is another best.pt."""
    for depth in range(1, 1 + max(path.count("/") for _, path, _ in origins)):
        names = [kind + "/".join(path.split("/")[-depth:]) for kind, path, _ in origins]
        if len(set(names)) == len(names):
            return names
    return ["".join(origin) for origin in origins]


def _folders(out: Location, candidates: Sequence[Candidate]) -> list[Location]:
    if len(candidates) == 1:
        return [out]
    slugs = [re.sub(r"[^A-Za-z0-9._]+", "-", candidate.name) for candidate in candidates]
    return [out / f"{number}-{slug[-_SLUG_CHARACTERS:].strip('-.')}" for number, slug in enumerate(slugs, 1)]


def _locations(config: EvaluationConfig) -> list[Location]:
    """All that workers read and write."""
    named = [config.out, config.data, config.snapshot, *config.vectors, *config.document_vectors]
    targets = [encoder.target for encoder in config.encoders if encoder.kind == "projection"]
    return [Location(uri) for uri in [*named, *(split_target(target)[0] for target in targets)] if uri is not None]


def _look(config: EvaluationConfig) -> _Plan:
    """Worker: what there is to encode, so that what is wrong with it shows before a model is loaded."""
    sample = None
    if config.snapshot is not None:
        sample = sample_prompts(config.snapshot, config.max_prompts, config.drawing.seed)
    if config.data is None:
        queries, _ = read_vector_pairs(config.vectors[0], next(iter(config.document_vectors), None))
        return _Plan(Subject(None, config.max_samples, len(queries)), 0, sample)
    subject = Subject(config.data, config.max_samples)
    _, relevance = subject.read()
    return _Plan(subject, relevance.num_queries + relevance.num_documents, sample)


def _calls(
    config: EvaluationConfig,
    plan: _Plan,
    candidates: Sequence[Candidate],
    folders: Sequence[Location],
    cluster: Cluster,
) -> tuple[list[Call], int]:
    """A task for each, all of the cluster's CPUs shared out among them; and how many texts they encode."""
    device, map_device = _hardware(config)
    cpus = max(1, min(cluster.num_cpus // len(candidates), cluster.num_cpus // cluster.num_nodes))
    drawing = replace(config.drawing, device=map_device)
    calls = []
    for candidate, folder in zip(candidates, folders, strict=True):
        on_gpu = (map_device if candidate.encoder is None else device) == "gpu"
        placed = _placed(candidate, device, 1 if on_gpu else cpus)
        arguments = (placed, plan.subject, drawing, plan.sample, folder, config.batch_size)
        calls.append(Call(evaluate_candidate, arguments, num_gpus=int(on_gpu), num_cpus=cpus))
    of_each = plan.num_texts + (0 if plan.sample is None else plan.sample.num_prompts)
    return calls, of_each * len(config.encoders)


def _placed(candidate: Candidate, device: _Device, threads: int) -> Candidate:
    if candidate.encoder is None:
        return candidate
    return replace(candidate, encoder=replace(candidate.encoder, device=device, threads=threads))


def _hardware(config: EvaluationConfig) -> tuple[_Device, _Device]:
    """Of encoders and of maps: these follow onto a GPU where its software is there."""
    if not config.encoders:
        device = resolve_hardware(config.device, ("layout",), config.wait_seconds)
        return device, device
    device = resolve_hardware(config.device, ("encoder",), config.wait_seconds)
    return device, resolve_hardware("auto", ("layout",)) if device == "gpu" else "cpu"


def _put_together(plan: _Plan, found: Sequence[Found], folders: Sequence[Location], out: Location) -> EvaluationResult:
    """Worker: write text, numbers and page, and tell what only the whole knows."""
    texts, _ = plan.subject.read()
    evaluations = [with_texts(one, texts) for one in found]
    results = Results.of(evaluations, None if plan.sample is None else _rarity(plan.sample, found))
    files = write_results(out, results)
    for one, evaluated, folder in zip(found, evaluations, folders, strict=True):
        own = [*one.files, *(write_results(folder, Results.of([evaluated]), has_page=False) if folder != out else ())]
        files += own if folder == out else [f"{folder.name}/{name}" for name in own]
    rarity = None if results.rarity is None else rarity_as_dict(results.rarity)
    summary = {"data": data(evaluations[0].report), "rarity": rarity, "files": sorted(files)}
    return EvaluationResult(results.text(num_worst=0), (), summary)


def _rarity(sample: PromptSample, found: Sequence[Found]) -> Rarity:
    """Every encoder against the snapshot's own, and against the first one where that is another."""
    known = {f"{sample.encoder.name} (snapshot)": own_weights(sample)}
    known |= {one.evaluated.report.name: one.weights for one in found if one.weights is not None}
    names = list(known)
    pairs = [(name, names[0]) for name in names[1:]]
    if len(names) > 1 and not np.array_equal(known[names[1]], known[names[0]]):  # which would tell the same twice
        pairs += [(name, names[1]) for name in names[2:]]
    compared = [RarityComparison(new, old, compare_rarity(known[new], known[old])) for new, old in pairs]
    return Rarity(sample.num_prompts, sample.of_prompts, sample.k, sample.weighting, tuple(compared))


def _brief(report: Report, folder: Location) -> dict[str, Any]:
    judgment = report.judgment
    return {
        "encoder": report.name,
        "verdict": judgment.verdict,
        "passed": sum(item.passed is True for item in judgment.items),
        **{name: _rounded(report.measures[name].value) for name in _IN_SUMMARY},
        "folder": folder.shareable,
    }


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _notices(found: Sequence[Found]) -> list[str]:
    """Each once, in order: a package that is missing is missing for all."""
    return list(dict.fromkeys(notice for one in found for notice in one.notices))
