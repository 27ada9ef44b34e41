"""The evaluation of encoders: a worker for each, and one that puts together what they found.

Knows where work runs, how much of a machine an encoder gets, and where files go; numbers and plots stand in
`kat_ray.evaluation`. The driver holds names, and numbers of the queries; texts and vectors stay with the workers.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kat_ray.engine.evaluation.candidates import Candidate, candidates_of
from kat_ray.engine.evaluation.options import EvaluationConfig, anchored, inputs
from kat_ray.engine.evaluation.plan import EvaluationPlan, plan_evaluation, require_encoders
from kat_ray.engine.evaluation.prompts import PromptSample, own_weights
from kat_ray.engine.evaluation.worker import Found, evaluate_candidate, with_texts
from kat_ray.engine.hardware import resolve_hardware
from kat_ray.engine.session import Cluster, require_shared, session
from kat_ray.engine.tasks import Call, run_task, run_with_progress
from kat_ray.errors import InputError
from kat_ray.evaluation.provenance import Provenance
from kat_ray.evaluation.rarity import Rarity, RarityComparison, compare_rarity
from kat_ray.evaluation.report import Report, data, rarity_as_dict
from kat_ray.evaluation.results import Results, write_results
from kat_ray.storage import Location

_SLUG_CHARACTERS = 60
_IN_SUMMARY = ("margin", "separation", "rank1_share", "mrr@10", "recall@10", "ndcg@10", "map@100")


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What was found, for people and for programs."""

    text: str
    """The cards without texts of the set."""
    summary: dict[str, Any]


def evaluate(config: EvaluationConfig) -> EvaluationResult:
    """Evaluate all encoders side by side and write the files.

    Plots of a single one lie in the folder itself, of several in a folder each; the page is of all.

    Raises:
        KatRayError: data, an encoder or a snapshot that cannot be used; hardware that is not there.
    """
    started = time.perf_counter()
    config = anchored(config)
    candidates, out = candidates_of(config), Location(config.out)
    folders = _folders(out, candidates)
    _require_there(inputs(config))
    with session(config.address) as cluster:
        require_shared([out, *(location for location, _ in inputs(config))])
        plan = run_task(plan_evaluation, config)
        config = _on_hardware(config)
        candidates = candidates_of(config)
        if config.encoders:
            run_task(require_encoders, config, num_gpus=int(config.device == "gpu"))
        calls, total = _calls(config, plan, candidates, folders, cluster)
        found: list[Found] = run_with_progress("evaluate", calls, total, unit="texts", at_once=config.workers)
        provenance = _provenance(config, plan, candidates, found)
        told = run_task(_put_together, plan, provenance, found, folders, out)
    reports = [one.evaluated.report for one in found]
    summary: dict[str, Any] = {
        "evaluations": [_brief(report, folder) for report, folder in zip(reports, folders, strict=True)],
        **told.summary,
        "out": out.shareable,
        "seconds": round(time.perf_counter() - started, 2),
    }
    return replace(told, summary=summary)


def _require_there(given: Sequence[tuple[Location, str]]) -> None:
    """A mistyped path is told before Ray starts; what lies elsewhere, and what files hold, workers look at."""
    for location, expected in given:
        if location.is_local and not location.exists():
            raise InputError(f"{location} does not exist; expected {expected}.")


def _folders(out: Location, candidates: Sequence[Candidate]) -> list[Location]:
    if len(candidates) == 1:
        return [out]
    slugs = [re.sub(r"[^A-Za-z0-9._]+", "-", candidate.name) for candidate in candidates]
    return [out / f"{number}-{slug[-_SLUG_CHARACTERS:].strip('-.')}" for number, slug in enumerate(slugs, 1)]


def _calls(
    config: EvaluationConfig,
    plan: EvaluationPlan,
    candidates: Sequence[Candidate],
    folders: Sequence[Location],
    cluster: Cluster,
) -> tuple[list[Call], int]:
    """A task for each, all of the cluster's CPUs shared out among those at once; and how many texts they encode."""
    at_once = min(config.workers or len(candidates), len(candidates))
    cpus = max(1, min(cluster.num_cpus // at_once, cluster.num_cpus // cluster.num_nodes))
    calls = []
    for candidate, folder in zip(candidates, folders, strict=True):
        encoder = candidate.encoder
        on_gpu = "gpu" in (config.drawing.device, encoder and encoder.device)
        threads = 1 if on_gpu else cpus
        placed = replace(candidate, encoder=encoder and replace(encoder, threads=threads))
        arguments = (placed, plan.subject, config.drawing, plan.sample, folder, config.batch_size)
        calls.append(Call(evaluate_candidate, arguments, num_gpus=int(on_gpu), num_cpus=cpus))
    of_each = plan.num_texts + (0 if plan.sample is None else plan.sample.num_prompts)
    return calls, of_each * len(config.encoders)


def _on_hardware(config: EvaluationConfig) -> EvaluationConfig:
    """With devices decided: maps follow encoders onto a GPU where their software is there, hashing has none."""
    if config.encoders:
        device = resolve_hardware(config.device, ("encoder",), config.wait_seconds)
        map_device = resolve_hardware("auto", ("layout",)) if device == "gpu" else "cpu"
    else:
        device = map_device = resolve_hardware(config.device, ("layout",), config.wait_seconds)
    encoders = tuple(
        replace(encoder, device="cpu" if config.device == "auto" and encoder.kind == "hashing" else device)
        for encoder in config.encoders
    )
    return replace(config, encoders=encoders, device=device, drawing=replace(config.drawing, device=map_device))


def _provenance(
    config: EvaluationConfig, plan: EvaluationPlan, candidates: Sequence[Candidate], found: Sequence[Found]
) -> Provenance:
    """Each notice once, in order; one that is not true of all, as a missing package is, says of whom it is."""
    shared = set(found[0].notices).intersection(*(one.notices for one in found))
    own = [
        notice if notice in shared else f"{one.evaluated.report.name}: {notice}"
        for one in found
        for notice in one.notices
    ]
    notices = dict.fromkeys([*plan.notices, *own])
    data_name = "ready vectors" if config.data is None else Location(config.data).name
    origins = {candidate.name: candidate.origin for candidate in candidates}
    return Provenance.now(data_name, config.drawing.seed, origins, tuple(notices))


def _of_one(provenance: Provenance, plan: EvaluationPlan, found: Found) -> Provenance:
    """Of one of several, which knows nothing of the others."""
    name = found.evaluated.report.name
    return replace(provenance, origins={name: provenance.origins[name]}, notices=(*plan.notices, *found.notices))


def _put_together(
    plan: EvaluationPlan, provenance: Provenance, found: Sequence[Found], folders: Sequence[Location], out: Location
) -> EvaluationResult:
    """Worker: write text, numbers and page, and tell what only the whole knows."""
    texts, _ = plan.subject.read()
    evaluations = [with_texts(one, texts) for one in found]
    results = Results.of(evaluations, provenance, None if plan.sample is None else _rarity(plan.sample, found))
    files = write_results(out, results)
    for one, evaluated, folder in zip(found, evaluations, folders, strict=True):
        if folder == out:
            files += one.files
        else:
            alone = write_results(folder, Results.of([evaluated], _of_one(provenance, plan, one)), has_page=False)
            files += [f"{folder.name}/{name}" for name in (*one.files, *alone)]
    rarity = None if results.rarity is None else rarity_as_dict(results.rarity)
    summary = {"data": data(evaluations[0].report), "rarity": rarity, "files": sorted(files)}
    return EvaluationResult(results.text(num_worst=0), summary)


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
