"""What an evaluation leaves behind: report.txt to paste, evaluation.json to read by program, index.html to look at.

Knows encoders that were evaluated on one set, and where files go; measures and draws nothing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kat_ray.evaluation.card import (
    render_comparison,
    render_overview,
    render_provenance,
    render_rarity,
    render_report,
    render_terms,
)
from kat_ray.evaluation.comparison import Comparison, compare
from kat_ray.evaluation.page import write_page
from kat_ray.evaluation.page_data import Evaluated
from kat_ray.evaluation.provenance import Provenance
from kat_ray.evaluation.rarity import Rarity
from kat_ray.evaluation.report import as_dict, comparison_as_dict, rarity_as_dict
from kat_ray.storage import Location

PAGE, NUMBERS, TEXT = "index.html", "evaluation.json", "report.txt"

_NUM_WORST = 5
_RULE = "\n\n" + "-" * 72 + "\n\n"


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Encoders on one set, the first of which is the baseline of the others."""

    evaluations: Sequence[Evaluated]
    comparisons: Sequence[Comparison]
    """Of each further encoder with the first one."""
    provenance: Provenance
    rarity: Rarity | None = None

    @classmethod
    def of(cls, evaluations: Sequence[Evaluated], provenance: Provenance, rarity: Rarity | None = None) -> Results:
        """With the comparisons made."""
        reports = [evaluated.report for evaluated in evaluations]
        first = reports[0]
        comparisons = [compare(report.scores, first.scores, first.relevance) for report in reports[1:]]
        return cls(evaluations, comparisons, provenance, rarity)

    def text(self, num_worst: int = _NUM_WORST) -> str:
        """The cards of all encoders and what they change; with num_worst 0 no text of the set stands in it."""
        reports = [evaluated.report for evaluated in self.evaluations]
        parts = [render_provenance(self.provenance)]
        if len(reports) > 1:
            parts.append(render_overview(reports))
        parts += [render_report(report, num_worst=num_worst) for report in reports]
        for report, comparison in zip(reports[1:], self.comparisons, strict=True):
            parts.append(render_comparison(report, reports[0], comparison))
        if self.rarity is not None:
            parts.append(render_rarity(self.rarity))
        if num_worst:  # a log has no need of them
            parts.append(render_terms())
        return _RULE.join(parts) + "\n"

    def numbers(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        reports = [evaluated.report for evaluated in self.evaluations]
        return {
            "provenance": self.provenance.as_dict(),
            "evaluations": [as_dict(report) for report in reports],
            "comparisons": [
                comparison_as_dict(report.name, reports[0].name, comparison)
                for report, comparison in zip(reports[1:], self.comparisons, strict=True)
            ],
            "rarity": None if self.rarity is None else rarity_as_dict(self.rarity),
        }


def write_results(folder: Location, results: Results, *, has_page: bool = True) -> list[str]:
    """Write the files into a folder, local or remote, and tell their names."""
    numbers = json.dumps(results.numbers(), ensure_ascii=False, allow_nan=False, indent=1)
    (folder / TEXT).write_bytes(results.text().encode("utf-8", "replace"))
    (folder / NUMBERS).write_bytes(numbers.encode("utf-8", "replace"))
    if not has_page:
        return [NUMBERS, TEXT]
    with tempfile.TemporaryDirectory() as kept:
        page = Path(kept) / PAGE
        about = [f"{name}: {content}" for name, content in results.provenance.lines()]
        write_page(page, results.evaluations, results.comparisons, results.rarity, about=about)
        (folder / PAGE).write_bytes(page.read_bytes())
    return [PAGE, NUMBERS, TEXT]
