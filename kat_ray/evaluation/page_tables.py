"""The tables of the page as HTML: verdict, checklist, measures, worst queries, encoders side by side.

Knows reports and markup; nothing of plots. Whatever comes from outside goes through `_quoted` or `escape`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from kat_ray.evaluation.checklist import CHECKLIST, Item, Verdict
from kat_ray.evaluation.comparison import Comparison, is_different
from kat_ray.evaluation.labels import Labels, one_line
from kat_ray.evaluation.measures import Measure
from kat_ray.evaluation.rarity import RARE_SHARE, Rarity
from kat_ray.evaluation.report import Near, Report, worst_queries
from kat_ray.evaluation.terms import TERMS

_NUM_WORST = 10
_TEXT_CHARACTERS = 200
_NAME_CHARACTERS = 80
_VERDICTS: dict[Verdict, tuple[str, str]] = {
    "ready": ("pass", "✓ Ready"),
    "not ready": ("fail", "✗ Not ready"),
    "undecided": ("unknown", "? Undecided"),
}
_RESULTS = {True: ("pass", "✓ pass"), False: ("fail", "✗ fail"), None: ("unknown", "? undecided")}
_FORMS = {line.name: line.form for line in CHECKLIST}
_RARITY = ("Rank correlation of the weights", "Share of the rarest tenth kept")
_MINUS = "\u2212"


def data_line(report: Report) -> str:
    """What was evaluated on, in counts."""
    relevance = report.relevance
    counts = [(relevance.num_queries, "query", "queries"), (relevance.num_documents, "document", "documents"),
              (len(relevance.rows), "relevant pair", "relevant pairs"),
              (len(relevance.hard_rows), "hard negative", "hard negatives")]  # fmt: skip
    return ", ".join(f"{count:,} {one if count == 1 else many}" for count, one, many in counts if count)


def choice(reports: Sequence[Report]) -> str:
    """Buttons for one encoder at a time; nothing for a single one."""
    if len(reports) == 1:
        return ""
    buttons = [
        f'<label><input type="radio" name="evaluation" value="{number}"{" checked" if number == 0 else ""}>'
        f"{_name(report)} <span class={_VERDICTS[report.judgment.verdict][0]!r}>"
        f"{_VERDICTS[report.judgment.verdict][1]}</span></label>"
        for number, report in enumerate(reports)
    ]
    return f'<nav><fieldset class="choice" aria-label="Encoder">{"".join(buttons)}</fieldset></nav>'


def verdict_section(report: Report, number: int) -> str:
    """Verdict, checklist, advice, measures and details of one encoder."""
    judgment = report.judgment
    kind, word = _VERDICTS[judgment.verdict]
    advice = "".join(f"<li>{escape(step)}</li>" for step in judgment.advice)
    return f"""<section data-evaluation="{number}">
<h2>{_name(report)}</h2>
<div class="verdict {kind}"><strong>{word}</strong><p>{escape(judgment.reason)}</p></div>
<h2>Checklist</h2>
{_checklist(judgment.items)}
<h2>What to do</h2>
<ol>{advice}</ol>
<details><summary>All measures, with 95 % intervals</summary>{_measures(report)}</details>
</section>"""


def worst_section(report: Report, number: int) -> str:
    """The queries that do worst, with what stands before their positives."""
    worst = worst_queries(report.scores, report.relevance, _NUM_WORST)
    labels = Labels.of(report.texts)
    if not worst:
        table = "<p>Every query has a relevant document at rank 1.</p>"
    else:
        head = "".join(_head(name, name == "Rank") for name in ("Query", "Rank", "Relevant document", "Beaten by"))
        rows = []
        for one in worst:
            hard = report.relevance.hard_for(one.query)
            marks = [" (hard negative)" if near.row in hard else "" for near in one.beaten_by]
            beaten = "".join(
                f"<li>{_document(labels, near)}{mark}</li>" for near, mark in zip(one.beaten_by, marks, strict=True)
            )
            rows.append(
                f'<tr><td><span class="interval">Q{one.query + 1}</span> {_quoted(labels.query(one.query))}</td>'
                f'<td class="number" data-name="rank">{one.rank:,}</td>'
                f'<td data-name="relevant:">{_document(labels, one.relevant)}</td>'
                f'<td data-name="beaten by:"><ol>{beaten}</ol></td></tr>'
            )
        table = (
            f'<div class="wide"><table class="worst stacked"><thead><tr>{head}</tr></thead>{_body(rows)}</table></div>'
        )
    return f'<section data-evaluation="{number}"><h2>Worst queries, with what beat them</h2>{table}</section>'


def comparison_section(reports: Sequence[Report], comparisons: Sequence[Comparison]) -> str:
    """Measures of all encoders side by side, and the differences from the first one."""
    if len(reports) == 1:
        return ""
    head = _head("Measure") + "".join(f'<th class="number">{_name(report)}</th>' for report in reports)
    verdicts = "".join(map(_verdict_cell, reports))
    rows = [f"<tr><th>verdict</th>{verdicts}</tr>"]
    for measure in reports[0].measures:
        changes = ["", *(f"<br>{_difference(comparison.differences[measure])}" for comparison in comparisons)]
        cells = [
            f'<td class="number" data-name="{_line(report.name, _NAME_CHARACTERS)}">'
            f"{_value(report.measures[measure].value)}{change}</td>"
            for report, change in zip(reports, changes, strict=True)
        ]
        rows.append(f"<tr><th>{escape(measure)}</th>{''.join(cells)}</tr>")
    rows += _moved(reports, comparisons)
    told = (
        f'<p class="note">Below: the difference from {_name(reports[0])} with its paired 95 % interval; * marks one '
        "that leaves out 0, as one in twenty does by chance.</p>"
    )
    table = f'<div class="wide"><table class="stacked"><thead><tr>{head}</tr></thead>{_body(rows)}</table></div>'
    return f"<section><h2>Encoders side by side</h2>{told}{table}</section>"


def terms_section() -> str:
    """What the words mean."""
    terms = "".join(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in TERMS)
    return f"<details><summary>Terms</summary><dl>{terms}</dl></details>"


def rarity_section(rarity: Rarity | None) -> str:
    """Whether encoders change who is rare; nothing where that was not asked."""
    if rarity is None:
        return ""
    rows = [
        f'<tr><th>{_quoted(encoder)}</th><td data-name="against">{_quoted(baseline)}</td>'
        f'<td class="number" data-name="{_RARITY[0].lower()}">{_with_interval(change.rank_correlation, ".3f")}</td>'
        f'<td class="number" data-name="{_RARITY[1].lower()}">{_with_interval(change.top_decile_overlap, ".1%")}</td>'
        "</tr>"
        for encoder, baseline, change in rarity.comparisons
    ]
    told = (
        f"Weights of {rarity.num_prompts:,} of {rarity.of_prompts:,} prompts of a snapshot, over {rarity.k} neighbors "
        f"among them; by chance {RARE_SHARE:.0%} of the rarest tenth are kept."
    )
    head = _head("Encoder") + _head("Against") + "".join(_head(name, True) for name in _RARITY)
    table = f'<div class="wide"><table class="stacked"><thead><tr>{head}</tr></thead>{_body(rows)}</table></div>'
    return f'<section><h2>Does it change who is rare?</h2><p class="note">{told}</p>{table}</section>'


def _with_interval(measure: Measure, form: str) -> str:
    if not math.isfinite(measure.value):
        return "–"
    value, low, high = (_signed(format(number, form)) for number in measure)
    return f'{value} <span class="interval">{low} to {high}</span>'


def _moved(reports: Sequence[Report], comparisons: Sequence[Comparison]) -> list[str]:
    """How many queries do better and worse than with the first encoder."""
    names = [_line(report.name, _NAME_CHARACTERS) for report in reports[1:]]
    counts = (("queries better", "better"), ("queries worse", "worse"), ("queries the same", "same"))
    return [
        f"<tr><th>{title}</th><td></td>"
        + "".join(
            f'<td class="number" data-name="{name}">{getattr(comparison, key):,}</td>'
            for name, comparison in zip(names, comparisons, strict=True)
        )
        + "</tr>"
        for title, key in counts
    ]


def _checklist(items: Iterable[Item]) -> str:
    head = _head("Item") + _head("Value", True) + _head("Needed", True) + '<th class="result">Result</th>'
    rows = []
    for item in items:
        kind, word = _RESULTS[item.passed]
        note = f'<br><span class="note">{escape(item.sentence)}</span>' if item.value is None or item.is_near else ""
        form = _FORMS[item.name]
        needed = f"{escape(item.relation)} {item.threshold:{'.0%' if form.endswith('%') else 'g'}}"
        band = f" ({item.band})" if item.passed is False else ""
        rows.append(
            f'<tr><th>{escape(item.title)}{note}</th><td class="number">{_item_value(item, form)}</td>'
            f'<td class="number needed">{needed}</td><td class="result {kind}">{word}{band}</td></tr>'
        )
    return f'<table class="checklist"><thead><tr>{head}</tr></thead>{_body(rows)}</table>'


def _item_value(item: Item, form: str) -> str:
    if item.value is None:
        return "–"
    value = _signed(format(item.value, form))
    if item.low is None or item.high is None:
        return value
    return (
        f'{value} <span class="interval">{_signed(format(item.low, form))} to {_signed(format(item.high, form))}</span>'
    )


def _measures(report: Report) -> str:
    rows = []
    for name, measure in report.measures.items():
        interval = "–" if math.isnan(measure.low) else f"{_value(measure.low)} to {_value(measure.high)}"
        rows.append(
            f'<tr><th>{escape(name)}</th><td class="number">{_value(measure.value)}</td>'
            f'<td class="number interval">{interval}</td></tr>'
        )
    for name, value in report.details.items():
        shown = _value(value) if isinstance(value, float) else "–" if value is None else str(value)
        rows.append(f'<tr><th>{_line(name)}</th><td class="number" colspan="2">{_line(shown)}</td></tr>')
    return f'<div class="wide"><table>{_body(rows)}</table></div>'


def _difference(difference: Measure) -> str:
    if math.isnan(difference.low):
        return f'<span class="interval">{_value(difference.value, "+")}</span>'
    mark = "*" if is_different(difference) else ""
    return (
        f'<span class="interval">{_value(difference.value, "+")}{mark} ({_value(difference.low, "+")} to '
        f"{_value(difference.high, '+')})</span>"
    )


def _document(labels: Labels, near: Near) -> str:
    return f'{_quoted(labels.document(near.row))} <span class="interval">{_value(near.similarity)}</span>'


def _verdict_cell(report: Report) -> str:
    kind, word = _VERDICTS[report.judgment.verdict]
    return f'<td class="number {kind}" data-name="{_line(report.name, _NAME_CHARACTERS)}">{word}</td>'


def _head(name: str, is_number: bool = False) -> str:
    return f'<th class="number">{name}</th>' if is_number else f"<th>{name}</th>"


def _body(rows: Sequence[str]) -> str:
    return f"<tbody>{''.join(rows)}</tbody>"


def _name(report: Report) -> str:
    return f'<span class="quoted">{_line(report.name, _NAME_CHARACTERS)}</span>'


def _quoted(text: str) -> str:
    return f'<span class="quoted" dir="auto">{_line(text)}</span>'


def _line(text: str, limit: int = _TEXT_CHARACTERS) -> str:
    return escape(one_line(text, limit))


def _value(value: float, sign: str = "") -> str:
    if not math.isfinite(value):
        return "–"
    return _signed(f"{value:{sign}.4f}" if abs(value) < 1000 else f"{value:{sign}.3g}")


def _signed(number: str) -> str:
    """With a minus as wide as a plus, and none before 0.000."""
    return number.lstrip("-") if not number.strip("-0.%") else number.replace("-", _MINUS)
