"""Names the jobs: `python -m jobs`."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path


def verbs() -> Iterator[tuple[str, str]]:
    """Name and first sentence of every job, without importing them (and Ray with them)."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.stem not in ("__init__", "__main__", "command"):
            yield path.stem, str(ast.get_docstring(tree)).splitlines()[0]


if __name__ == "__main__":
    print("python -m jobs.VERB, where VERB is one of these; each has --help with examples.")
    for name, sentence in verbs():
        print(textwrap.fill(f"{name:<17} {sentence}", 79, subsequent_indent=" " * 18))
