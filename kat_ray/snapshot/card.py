"""What a snapshot says of itself in 72 columns, and why one prompt has its weight.

Reads numbers that were measured when the snapshot was built; measures nothing itself. Words of prompts (texts and the
terms of clusters) appear only with `show_text`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kat_ray.arrays import Int64Vector
from kat_ray.errors import InputError
from kat_ray.snapshot.diagnostics import WeightNumbers
from kat_ray.snapshot.lineage import edit_factors
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.terminal import WIDTH, bar, counted, field, plain

_NUM_HEAVIEST = 5
_NUM_CLUSTERS = 5
_NUM_SOURCES = 8
_BANDS = ("very rare", "uncommon", "common", "very common")


def render_card(snapshot: Snapshot, *, show_text: bool = False) -> str:
    """The card: counts, encoder, weights, graph, layout, times and the heaviest prompts."""
    manifest = snapshot.manifest
    lines = [f"Snapshot {manifest.snapshot_id}  built {manifest.created_at}", ""]
    lines += [*_corpus(snapshot), "", render_weights(manifest.diagnostics, snapshot.num_prompts), ""]
    lines += [*_geometry(snapshot, show_text), ""]
    lines += _heaviest(snapshot, show_text)
    stages = ", ".join(f"{name} {seconds:,.1f} s" for name, seconds in manifest.stage_seconds.items())
    lines += ["", *field("stages", stages)]
    for note in manifest.notes:
        lines += field("note", note)
    return "\n".join(lines)


def render_weights(numbers: WeightNumbers, num_prompts: int) -> str:
    """The part of the card on the weights: how unequal they are, and the effective sample size over the power."""
    cap = "no cap" if numbers["cap"] is None else f"cap {numbers['cap']:g} x median"
    ess = numbers["effective_sample_size"]
    lines = field("weights", f"{numbers['estimator']}, k {numbers['k']}, power {numbers['power']:.4g}, {cap}")
    lines += field("effective", f"{ess:.3f} N = {ess * num_prompts:,.0f} of {num_prompts:,} prompts (1 is uniform)")
    lines += field("inequality", f"Gini {numbers['gini']:.3f}, max/median {numbers['max_over_median']:.3g}")
    for name, share in zip(("sparsest", "", "", "most crowded"), numbers["mass_per_density_quartile"], strict=True):
        lines.append(f"{'mass by' if name == 'sparsest' else '':<14}{name:<13}{share:6.1%} {bar(share, 38)}".rstrip())
    lines += ["", "              effective sample size over power"]
    powers = sorted(numbers["ess_over_power"].items(), key=lambda entry: float(entry[0]))
    lines += [f"{'':<14}{plain(power, 6):>6} {value:6.3f} {bar(value, 38)}".rstrip() for power, value in powers]
    return "\n".join(lines)


def explain(snapshot: Snapshot, prompt_id: str, *, show_text: bool = False) -> str:
    """Why a prompt has its weight: its neighbors, density, band, cap, cluster, duplicates and pairs.

    Raises:
        InputError: the snapshot has no prompt of this id.
    """
    row = int(snapshot.row_of([prompt_id])[0])
    if row < 0:
        raise InputError(
            f"Snapshot {snapshot.snapshot_id} has no prompt {plain(prompt_id, 40)!r}; ids have 16 hex digits."
        )
    prompt = snapshot.prompts(np.array([row]), ["source", "text", "num_pairs", "num_complete_pairs"]).to_pylist()[0]
    lines = [f"Prompt {prompt_id}  row {row:,}", ""]
    lines += field("source", prompt["source"])
    if show_text:
        lines += field("text", plain(prompt["text"], 4 * WIDTH))
    lines += field("pairs", f"{prompt['num_pairs']:,}, of them {prompt['num_complete_pairs']:,} with both replies")
    lines += [*_row_density(snapshot, row), *_row_weight(snapshot, row), *_row_groups(snapshot, row, show_text)]
    return "\n".join([*lines, "", *_row_neighbors(snapshot, row, show_text)])


def _corpus(snapshot: Snapshot) -> list[str]:
    manifest, counts, numbers = snapshot.manifest, snapshot.manifest.counts, snapshot.manifest.diagnostics
    rows = f"{counts.input:,} = {counts.accepted:,} accepted + {counts.rejected:,} rejected + "
    sources = [f"{plain(name, 40)} {count:,}" for name, count in _largest_first(numbers["sources"])]
    if len(sources) > _NUM_SOURCES:
        sources[_NUM_SOURCES:] = [f"and {len(sources) - _NUM_SOURCES} more"]
    cut = numbers["num_truncated"] / max(1, counts.prompts)
    return [
        *field("rows", rows + f"{counts.duplicates:,} duplicates"),
        *field("prompts", f"{counts.prompts:,}"),
        *field("pairs", f"{counts.pairs:,}, of them {counts.complete_pairs:,} with both replies"),
        *field("sources", ", ".join(sources)),
        *field("encoder", _encoder(manifest.encoder)),
        *field(
            "truncated", f"{counted(numbers['num_truncated'], 'prompt')} ({cut:.1%}) at {numbers['token_limit']} tokens"
        ),
    ]


def _encoder(identity: dict[str, Any]) -> str:
    revision = plain(str(identity["revision"])[:12], 12)
    others = [
        f"{name} {plain(str(identity[name]), 20)}" for name in ("dimension", "pooling", "precision") if name in identity
    ]
    return ", ".join([plain(str(identity["name"]), WIDTH), f"revision {revision}", *others])


def _geometry(snapshot: Snapshot, show_text: bool) -> list[str]:
    numbers = snapshot.manifest.diagnostics
    graph = "exact" if numbers["recall"] is None else f"approximate, recall {numbers['recall']:.4f}"
    groups = f"{counted(numbers['num_duplicate_groups'], 'group')}, {counted(numbers['num_near_duplicates'], 'prompt')}"
    sizes = ", ".join(f"{size:,}" for size in numbers["cluster_sizes"])
    quality = (
        f"trustworthiness {_number(numbers['trustworthiness'])}, outliers {_number(numbers['layout_outlier_share'])}, "
        f"spread {_number(numbers['layout_spread'])}, source mixing {_number(numbers['source_mixing'])}"
    )
    lines = field("neighbors", f"{graph}; intrinsic dimension {_number(numbers['intrinsic_dimension'])}")
    lines += field("duplicates", f"{groups} closer than {numbers['duplicate_distance']:g}")
    lines += field("clusters", f"{numbers['num_clusters']:,}; the largest have {sizes}")
    if show_text:
        for cluster in sorted(snapshot.cluster_table, key=lambda item: -item["size"])[:_NUM_CLUSTERS]:
            lines += field("", f"{cluster['label']}: {', '.join(cluster['terms'])}")
    return lines + field("layout", quality)


def _heaviest(snapshot: Snapshot, show_text: bool) -> list[str]:
    weights = snapshot.weights
    rows = np.argsort(-weights, kind="stable")[:_NUM_HEAVIEST]
    lines = ["heaviest      id                 x median  density %"]
    median, texts = float(np.median(weights)), _texts(snapshot, rows, show_text)
    for row, text in zip(rows, texts, strict=True):
        percent = 100 * snapshot.density_percentile[row]
        lines.append(f"{'':<14}{snapshot.ids[int(row)]} {weights[row] / median:9.3g}  {percent:9.1f}")
        lines += [f"{'':<16}{text}"] if show_text else []
    return lines


def _row_density(snapshot: Snapshot, row: int) -> list[str]:
    k = snapshot.manifest.diagnostics["k"]
    percentile = float(snapshot.density_percentile[row])
    band = _BANDS[min(3, int(percentile * 4))]
    near = snapshot.neighbor_distances[row, :k].astype(np.float64)
    mean = f"{near.mean():.6g}, mean to the {len(near)} nearest other prompts" if len(near) else "no other prompts"
    return [
        *field("distance", mean),
        *field("density", f"{snapshot.density[row]:.6g}, percentile {100 * percentile:.1f} %: {band}"),
    ]


def _row_weight(snapshot: Snapshot, row: int) -> list[str]:
    weights, cap = snapshot.weights, snapshot.manifest.diagnostics["cap"]
    weight, median = float(weights[row]), float(np.median(weights))
    relative = f"{weight * len(weights):.4g} x uniform, {weight / median:.4g} x median"
    lines = field("weight", f"{weight:.6g} = {relative}") + _row_edits(snapshot, row)
    if cap is not None and np.isclose(weight, cap * median, rtol=1e-9, atol=0.0):
        lines += field("cap", f"held at {cap:g} x median; without the cap the weight would be larger")
    return lines


def _row_edits(snapshot: Snapshot, row: int) -> list[str]:
    factors = edit_factors(snapshot, row)
    if factors is None:
        return field("edited", "not known: a snapshot from which this one was edited is not whole any more")
    multiplied = ", then by ".join(f"{factor:g}" for factor in factors)
    return field("edited", f"multiplied by {multiplied}; all weights were scaled to sum 1 again") if factors else []


def _row_groups(snapshot: Snapshot, row: int, show_text: bool) -> list[str]:
    label, group = int(snapshot.clusters[row]), int(snapshot.duplicates[row])
    members = int((snapshot.duplicates == group).sum())
    cluster = f"{label}, with {counted(int((snapshot.clusters == label).sum()), 'prompt')}"
    terms = [", ".join(item["terms"]) for item in snapshot.cluster_table if show_text and item["label"] == label]
    near = f"{counted(members - 1, 'near duplicate')}, group of {snapshot.ids[group]}"
    others = near if members > 1 else "no near duplicates"
    return [*field("cluster", ": ".join([cluster, *terms])), *field("duplicates", others)]


def _row_neighbors(snapshot: Snapshot, row: int, show_text: bool) -> list[str]:
    rows = np.asarray(snapshot.neighbor_indices[row], np.int64)
    sources = snapshot.prompts(rows, ["source"])["source"].to_pylist()
    lines = ["neighbors     id                 distance  source"]
    for place, text in enumerate(_texts(snapshot, rows, show_text)):
        distance = snapshot.neighbor_distances[row, place]
        name = snapshot.ids[int(rows[place])]
        lines.append(f"{place + 1:>12}  {name} {distance:10.6f}  {plain(sources[place], 29)}")
        lines += [f"{'':<16}{text}"] if show_text else []
    return lines


def _texts(snapshot: Snapshot, rows: Int64Vector, show_text: bool) -> list[str]:
    if not show_text:
        return [""] * len(rows)
    texts = snapshot.prompts(rows, ["text"])["text"].to_pylist()
    return [plain(text, WIDTH - 16) for text in texts]


def _largest_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3g}"
