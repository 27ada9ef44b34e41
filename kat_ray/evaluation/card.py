"""A report as text for a terminal or a model card, in 72 columns: verdict, checklist, advice, numbers, worst queries.

Knows what reports hold; measures nothing. Queries and documents count from 1, as in the plots. Texts of
the set are shown, never obeyed: control characters become spaces.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

from kat_ray.evaluation.checklist import Item
from kat_ray.evaluation.comparison import Comparison, is_different
from kat_ray.evaluation.measures import Measure
from kat_ray.evaluation.provenance import Provenance
from kat_ray.evaluation.rarity import RARE_SHARE, Rarity
from kat_ray.evaluation.report import Near, Report, WorstQuery, data, worst_queries
from kat_ray.evaluation.terms import TERMS
from kat_ray.pairs.reader import commonest
from kat_ray.snapshot.terminal import WIDTH, columns, counted, field, plain

_MARKS = {True: "pass", False: "FAIL", None: "?"}
_HEAD = f"{'value':>9}  95 % interval"
_OVERVIEW = ("rank1_share", "mrr@10", "margin")
_RARITY = ("rank correlation of the weights", "share of the rarest tenth kept")


def render_provenance(provenance: Provenance) -> str:
    """What all that follows comes from."""
    return "\n".join(line for name, content in provenance.lines() for line in field(name, content))


def render_report(report: Report, *, num_worst: int = 5) -> str:
    """The card of one encoder; with num_worst 0 without the section of the worst queries, and so without texts."""
    judgment = report.judgment
    lines = [f"{plain(report.name, WIDTH - 12)}: {judgment.verdict.upper()}", *_wrapped(judgment.reason), ""]
    lines += [*_data(report), "", f"{'checklist':<34}{_HEAD:<32}wanted"]
    lines += [_item(item) for item in judgment.items]
    if any(item.is_near for item in judgment.items):
        lines += ["  ~ the interval reaches over the threshold: other queries could turn it"]
    lines += ["", "advice", *(line for step in judgment.advice for line in _wrapped(step, "  "))]
    lines += ["", *_similarities(report.measures), "", f"{'measures':<34}{_HEAD}"]
    lines += [f"  {name:<32}{_interval(measure)}".rstrip() for name, measure in report.measures.items()]
    return "\n".join([*lines, "", *_worst(report, num_worst)] if num_worst else lines)


def render_overview(reports: Sequence[Report]) -> str:
    """Several encoders in a line each."""
    lines = [f"{'encoders':<31}{'verdict':<11}{'items':>6}{'rank 1':>8}{'MRR@10':>8}{'margin':>8}"]
    for report in reports:
        passed = f"{sum(item.passed is True for item in report.judgment.items)}/{len(report.judgment.items)}"
        values = "".join(_value(report.measures[name].value).rjust(8) for name in _OVERVIEW)
        name = plain(report.name, 29)
        lines.append(f"{name}{' ' * (31 - columns(name))}{report.judgment.verdict:<11}{passed:>6}{values}")
    return "\n".join(lines)


def render_terms() -> str:
    """What the words mean."""
    return "\n".join(["terms", *(line for name, meaning in TERMS for line in field(name, meaning))])


def render_comparison(report: Report, baseline: Report, comparison: Comparison) -> str:
    """What an encoder changes against a baseline."""
    lines = [plain(report.name, WIDTH), f"against {plain(baseline.name, WIDTH - 8)}"]
    lines += _wrapped(
        f"A relevant document comes earlier for {_queries(comparison.better)}, later for {comparison.worse:,}, at the "
        f"same rank for {comparison.same:,}."
    )
    lines += ["", f"{'':<16}{'baseline':>10}{'this':>10}{'change':>10}  95 % interval"]
    for name, change in comparison.differences.items():
        values = "".join(_value(one.measures[name].value).rjust(10) for one in (baseline, report))
        mark = " *" if is_different(change) else ""
        lines.append(f"{name:<16}{values}{_value(change.value, '+').rjust(10)}  {_range(change, '+')}{mark}".rstrip())
    return "\n".join([*lines, "", "* the paired interval leaves out 0"])


def render_rarity(rarity: Rarity) -> str:
    """Whether encoders change who is rare."""
    lines = _wrapped(
        f"Who is rare: weights of {rarity.num_prompts:,} of {rarity.of_prompts:,} prompts, over {rarity.k} neighbors "
        f"among them, power {rarity.weighting.power:g}. By chance the rarest tenths share {RARE_SHARE:g}."
    )
    for encoder, baseline, change in rarity.comparisons:
        lines += ["", plain(encoder, WIDTH), f"against {plain(baseline, WIDTH - 8)}"]
        lines += [f"  {name:<32}{_interval(measure)}" for name, measure in zip(_RARITY, change, strict=True)]
    return "\n".join(lines)


def _data(report: Report) -> list[str]:
    counts = data(report)
    lines = field(
        "data",
        f"{_queries(counts['queries'])}, {counted(counts['documents'], 'document')}, {counts['relevant']:,} relevant, "
        f"{counted(counts['hard_negatives'], 'hard negative')}",
    )
    if rejects := counts.get("rejects"):
        refused = sum(rejects.values())
        lines += field("", f"{refused:,} of {counted(counts['rows'], 'row')} refused: {commonest(rejects)}")
    if contradictions := counts.get("contradictions"):
        lines += field("", f"{counted(contradictions, 'hard negative')} of a query that is also its positive")
    for name, value in report.details.items():
        lines += field(plain(name, 13), _detail(value))
    return lines


def _detail(value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else "-"
    return "-" if value is None else str(value)


def _item(item: Item) -> str:
    wanted = f"{item.relation} {item.threshold:g}{' ~' if item.is_near else ''}"
    measure = Measure(*(math.nan if number is None else number for number in (item.value, item.low, item.high)))
    return f"  {_MARKS[item.passed]:<5} {item.title:<26}{_interval(measure):<32}{wanted}"


def _similarities(measures: Mapping[str, Measure]) -> list[str]:
    """The four lines of the seeds."""
    value = {name: measure.value for name, measure in measures.items()}
    return [
        f"Positive:   {_value(value['positive_mean'])} ± {_value(value['positive_std'])}",
        f"Negative:   {_value(value['negative_mean'])} ± {_value(value['negative_std'])}",
        f"Margin:     {_value(value['margin'])}",
        f"Separation: {_sigmas(value['separation'])} (over the sum of deviations)",
        f"            {_sigmas(value['separation_rss'])} (over their root sum of squares)",
    ]


def _worst(report: Report, count: int) -> list[str]:
    worst = worst_queries(report.scores, report.relevance, count)
    if not worst:
        return ["Every query has a relevant document at rank 1."]
    return ["worst queries", *(line for one in worst for line in _worst_lines(report, one))]


def _worst_lines(report: Report, worst: WorstQuery) -> list[str]:
    """The query, what stands before its first relevant document, and that document."""
    hard = set(report.relevance.hard_for(worst.query).tolist())
    text = "" if report.texts is None else plain(report.texts.queries[worst.query], WIDTH - 16)
    lines = [f"  query {worst.query + 1:,}{':' if text else ''} {text}".rstrip()]
    for rank, near in enumerate(worst.beaten_by, 1):
        lines.append(_document(report, f"rank {rank}{' hard' if near.row in hard else ''}", near))
    return [*lines, _document(report, f"rank {worst.rank:,} own", worst.relevant)]


def _document(report: Report, role: str, near: Near) -> str:
    text = f"document {near.row + 1:,}" if report.texts is None else report.texts.documents[near.row]
    return f"    {role:<16}{near.similarity:6.3f}  {plain(text, WIDTH - 28)}"


def _interval(measure: Measure) -> str:
    return f"{_value(measure.value):>9}  {_range(measure)}"


def _range(measure: Measure, sign: str = "") -> str:
    if not math.isfinite(measure.low):
        return "-"
    return f"{_value(measure.low, sign)} to {_value(measure.high, sign)}"


def _value(value: float, sign: str = "") -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:{sign}.4f}" if abs(value) < 1000 else f"{value:{sign}.3g}"


def _sigmas(value: float) -> str:
    return f"{value:.2f}σ" if math.isfinite(value) else "-"


def _queries(number: int) -> str:
    return f"{number:,} {'query' if number == 1 else 'queries'}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(plain(text, 1000), WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
