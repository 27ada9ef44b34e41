"""The whole build against the recipe that it replaces, and the memory that it takes.

The recipe: encode all prompts, umap-learn seeded, nearest neighbors twice (for the weights, for the map), one JSON.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmark.baselines import Baselines
from benchmark.builds import run_build
from benchmark.corpus import Corpus
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.parts.embedding import rank_correlation
from kat_ray.errors import KatRayError

_GIGABYTE = 1e9
_FAST = ("--precision", "int8", "--index", "approximate")
_EXACT_PARTS, _FAST_PARTS = ("embed", "exact", "layout"), ("int8", "approximate", "layout")


def measure_build(corpus: Corpus, baselines: Baselines, part: Callable[[str], Findings]) -> Findings:
    """Figures of the build of all pairs; `part` gives what other parts found, without whose quality none holds."""
    found, built = Findings(), corpus.built
    count = corpus.snapshot.num_prompts
    recipe, note = _recipe(baselines, count)
    exact = Measure.less("build, exact graph", "s", built.seconds, recipe, 2.5, note)
    found.measures.append(exact.refused(_doubts(_EXACT_PARTS, part)))
    try:
        fast = run_build([corpus.pairs], str(corpus.folder / "fast"), "--encoder", corpus.encoder, *_FAST)
    except KatRayError as error:
        found.measures.append(Findings.nothing("build, int8 and approximate", str(error)).measures[0])
        return found
    took = ", ".join(f"{name} {seconds:.0f}" for name, seconds in fast.stages.items())
    same = rank_correlation(fast.snapshot.weights, corpus.snapshot.weights)
    ratio = Measure.less("build, int8 and approximate", "s", fast.seconds, recipe, 4, f"Its stages: {took} s.")
    quality = Measure.at_least("its weights to the other's, Spearman", "", same, 0.98)
    reasons = [] if quality.passed else ["Its weights order the prompts in another way."]
    found.measures += [ratio.refused([*_doubts(_FAST_PARTS, part), *reasons]), quality]
    return found


def measure_memory(corpus: Corpus) -> Findings:
    """What the build of all pairs holds more than one of a few prompts."""
    few = run_build(
        [corpus.pairs],
        str(corpus.folder / "few"),
        *("--encoder", corpus.encoder, "--max-samples", corpus.sizes.small),
    )
    peaks = [one.peak_bytes / _GIGABYTE for one in (corpus.built, few)]
    note = f"Proportional set size of all processes: {peaks[0]:.2f} GB, of {corpus.sizes.small:,} prompts "
    note += f"{peaks[1]:.2f} GB."
    return Findings([Measure.at_most("peak memory of the build", "GB", peaks[0] - peaks[1], 2.5, note)])


def _recipe(baselines: Baselines, count: int) -> tuple[float, str]:
    """Seconds of the recipe, and the note that says of what they are made."""
    encode = count / baselines.encoded.per_second
    umap, brute, page = baselines.seeded_layout, baselines.brute, baselines.page
    seconds = encode + umap.in_all + 2 * brute.in_all + page.seconds
    note = f"Theirs: encode {encode:,.0f} s (from {len(baselines.sample):,} prompts, linear), umap-learn "
    note += f"{umap.in_all:,.0f} s ({umap.law('linear')}), neighbors twice {brute.in_all:,.0f} s "
    return seconds, f"{note}({brute.law('quadratic')}), JSON {page.seconds:,.0f} s."


def _doubts(parts: tuple[str, ...], part: Callable[[str], Findings]) -> list[str]:
    """Of parts whose quality is that of the build."""
    doubts: list[str] = []
    for name in parts:
        try:
            doubts += part(name).doubts
        except KatRayError as error:
            doubts.append(f"{name}: {error}")
    return doubts
