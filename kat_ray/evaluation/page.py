"""The page of an evaluation: one HTML file that needs nothing else, with verdict, numbers and plots to point at.

Knows where its parts stand and puts them together; page_tables writes the tables, page_data what the plots are drawn
from, and page.js draws them with the Plotly that the plotly package holds. The page asks nobody for anything, and its
own policy forbids it to. Texts are data for the script or escaped, never markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from kat_ray.errors import InputError, ResourceError
from kat_ray.evaluation.comparison import Comparison
from kat_ray.evaluation.page_data import Evaluated, page_json
from kat_ray.evaluation.page_tables import (
    choice,
    comparison_section,
    data_line,
    rarity_section,
    terms_section,
    verdict_section,
    worst_section,
)
from kat_ray.evaluation.rarity import Rarity
from kat_ray.storage import Location

_FOLDER = Path(__file__).parent


def write_page(
    path: Path,
    evaluations: Sequence[Evaluated],
    comparisons: Sequence[Comparison] = (),
    rarity: Rarity | None = None,
    *,
    about: Sequence[str] = (),
    title: str = "Embedding evaluation",
) -> None:
    """Write the page of one encoder, or of several with a choice between them; about 5 MB, of which Plotly is most.

    comparisons are those of each further encoder against the first one, in order; about are lines below the title.

    Raises:
        InputError: no evaluation, or another number of comparisons than of further encoders.
        ResourceError: the plotly package is not installed.
    """
    if not evaluations:
        raise InputError("A page needs at least one evaluation.")
    if len(comparisons) != len(evaluations) - 1:
        raise InputError(
            f"There are {len(comparisons)} comparisons for {len(evaluations)} encoders, expected "
            f"{len(evaluations) - 1}: each further encoder against the first."
        )
    reports = [evaluated.report for evaluated in evaluations]
    page = _read("page.html").format(
        title=escape(title),
        css=_read("page.css"),
        data=data_line(reports[0]),
        about="".join(f'<p class="note">{escape(line)}</p>' for line in about),
        choice=choice(reports),
        verdicts="\n".join(verdict_section(report, number) for number, report in enumerate(reports)),
        worst="\n".join(worst_section(report, number) for number, report in enumerate(reports)),
        comparison=comparison_section(reports, comparisons),
        rarity=rarity_section(rarity),
        terms=terms_section(),
        json=page_json(evaluations),
        plotly=_plotly(),
        script=_read("page.js"),
    )
    Location(str(path)).write_bytes(page.encode("utf-8", "replace"))  # a lone surrogate has no bytes


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _plotly() -> str:
    """Plotly's own script, which may stand in a script element."""
    try:
        from plotly.offline import get_plotlyjs
    except ModuleNotFoundError as error:
        raise ResourceError(f"The page needs {error.name}, which is not installed; install the jobs extra.") from error
    return re.sub("</(?=script)", r"<\\/", str(get_plotlyjs()), flags=re.IGNORECASE)
