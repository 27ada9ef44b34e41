"""Import modules where a trainer's base install is all there is: a script for the tests of architecture and packaging.

    python -I tests/bare_interpreter.py FOLDER MODULE ...

FOLDER holds the library. Anything else than the standard library, numpy, pyarrow, urllib3 and the
library itself cannot be imported. Prints the file of each module.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

BASE = {"kat_ray", "numpy", "pyarrow", "urllib3"}


class _NothingElse:
    """A finder before all others that refuses whatever the base install does not bring."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Refuse by raising; None leaves the name to the next finder."""
        top = name.partition(".")[0]
        if top not in BASE and not _is_standard(top) and "pyarrow" not in top:
            raise ModuleNotFoundError(f"{name} is not part of the base install", name=name)


def _is_standard(top: str) -> bool:
    return top in sys.stdlib_module_names or top.startswith("_sysconfigdata")


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    sys.meta_path.insert(0, _NothingElse())  # type: ignore[arg-type]
    for module in sys.argv[2:]:
        print(importlib.import_module(module).__file__)
