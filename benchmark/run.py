"""Measures parts by name, each at most once a run, since some reckon with what others found."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from benchmark.baselines import Baselines
from benchmark.corpus import Corpus
from benchmark.figures.clock import Clock
from benchmark.figures.findings import Findings
from benchmark.names import BUILDING, READING, SHOWING
from benchmark.parts.draws import measure_draws
from benchmark.parts.embedding import measure_embedding
from benchmark.parts.graphs import measure_approximate, measure_exact
from benchmark.parts.growth import measure_growth
from benchmark.parts.layouts import measure_layout
from benchmark.parts.overhead import measure_overhead
from benchmark.parts.weights_http import measure_http
from benchmark.parts.whole_build import measure_build, measure_memory
from kat_ray.errors import KatRayError, ResourceError


class Run:
    """One run over one corpus. What cannot be measured is a bar that fails, and the other parts go on."""

    def __init__(self, corpus: Corpus, clock: Clock) -> None:
        self._corpus, self._clock = corpus, clock
        self._baselines = Baselines(corpus)
        self._found: dict[str, Findings] = {}
        self._broken = ""

    def findings(self, part: str) -> Findings:
        """What the part found."""
        if part not in self._found:
            with self._clock.part(part):
                self._found[part] = self._measure(part)
        return self._found[part]

    def _measure(self, part: str) -> Findings:
        try:
            self._prepare(part)
            return self._ways()[part]()
        except ModuleNotFoundError as error:
            return Findings.nothing(part, f"{error.name} is not installed; run: pip install -e '.[benchmark]'")
        except KatRayError as error:
            return Findings.nothing(part, str(error))
        except Exception as error:  # noqa: BLE001 - the figures of other parts must not be lost
            traceback.print_exc()
            return Findings.nothing(part, f"Unexpected {type(error).__name__}: {error}")

    def _prepare(self, part: str) -> None:
        """Make what the part is measured on, so that its seconds are not counted as the part's."""
        corpus = self._corpus
        reads_given = part in SHOWING and corpus.is_given
        if not (reads_given or (part in READING and not corpus.is_built)):
            self._make(part in (*BUILDING, *READING, *SHOWING))

    def _make(self, also_build: bool) -> None:
        corpus = self._corpus
        if self._broken:
            raise ResourceError(self._broken)
        try:
            if not corpus.has("pairs"):
                with self._clock.part("corpus"):
                    _ = corpus.pairs
            if also_build and not corpus.has("built"):
                with self._clock.part("whole build"):
                    _ = corpus.built
        except KatRayError as error:
            self._broken = str(error)
            raise

    def _ways(self) -> dict[str, Callable[[], Findings]]:
        corpus, baselines, sizes = self._corpus, self._baselines, self._corpus.sizes
        return {
            "embed": lambda: measure_embedding(baselines, sizes, corpus.encoder, "embed"),
            "int8": lambda: measure_embedding(baselines, sizes, corpus.encoder, "int8"),
            "exact": lambda: measure_exact(corpus, baselines),
            "approximate": lambda: measure_approximate(corpus, baselines),
            "layout": lambda: measure_layout(corpus, baselines),
            "build": lambda: measure_build(corpus, baselines, self.findings),
            "memory": lambda: measure_memory(corpus),
            "overhead": lambda: measure_overhead(corpus),
            "growth": lambda: measure_growth(corpus),
            "draws": lambda: measure_draws(corpus),
            "http": lambda: measure_http(corpus),
            "map": lambda: _map(corpus),
        }


def _map(corpus: Corpus) -> Findings:
    from benchmark.parts.map import measure_map  # needs Playwright, which the other parts do without

    return measure_map(corpus.shown.location.uri)
