"""Show the card of a snapshot, or explain the weight of one prompt.

Prompt text is private: it is shown only with --show-text.

Examples:
    python -m jobs.inspect --snapshot store
    python -m jobs.inspect --snapshot store --id 35bf34c9f05dce7a --show-text
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any

from jobs.command import refuse_relative, run_job
from kat_ray.snapshot.card import explain, render_card
from kat_ray.snapshot.lineage import edit_factors
from kat_ray.snapshot.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class InspectOptions:
    """Which snapshot, and what of it."""

    snapshot: str
    """A store (its current snapshot) or one snapshot: a folder or s3:// URI."""
    id: str | None = None
    """Prompt whose weight is explained: 16 hex digits."""
    show_text: bool = False
    """Show prompt text and cluster terms."""
    verify: bool = False
    """Read every byte and compare checksums."""


def run(options: InspectOptions) -> dict[str, Any]:
    """Print the card or the explanation; the summary line holds the same numbers."""
    refuse_relative(options.snapshot)
    snapshot = Snapshot.open(options.snapshot, verify="checksums" if options.verify else "sizes")
    if options.verify:
        print(f"All {len(snapshot.manifest.columns)} columns match their checksums.", file=sys.stderr)
    result: dict[str, Any] = {
        "snapshot_id": snapshot.snapshot_id,
        "snapshot": snapshot.location.shareable,
        "verified": options.verify,
    }
    if options.id is None:
        print(render_card(snapshot, show_text=options.show_text), file=sys.stderr)
        manifest = snapshot.manifest
        return {**result, "counts": asdict(manifest.counts), "diagnostics": dict(manifest.diagnostics)}
    print(explain(snapshot, options.id, show_text=options.show_text), file=sys.stderr)
    return {**result, **_numbers(snapshot, options.id)}


def _numbers(snapshot: Snapshot, prompt_id: str) -> dict[str, Any]:
    row = int(snapshot.row_of([prompt_id])[0])
    weight = float(snapshot.weights[row])
    return {
        "id": prompt_id,
        "row": row,
        "weight": weight,
        "weight_over_uniform": weight * snapshot.num_prompts,
        "edit_factors": edit_factors(snapshot, row),
        "density": float(snapshot.density[row]),
        "density_percentile": float(snapshot.density_percentile[row]),
        "neighbors": snapshot.ids.take(snapshot.neighbor_indices[row]).to_pylist(),
        "distances": snapshot.neighbor_distances[row].tolist(),
    }


if __name__ == "__main__":
    raise SystemExit(run_job("inspect", InspectOptions, run, __doc__))
