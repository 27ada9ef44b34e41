"""Resolve an environment anew with pip's dry run, and write or check its lock file.

    python .locks/resolve.py cpu            writes .locks/cpu.txt: jobs, tests and checks on a CPU
    python .locks/resolve.py gpu            writes .locks/gpu.txt: cpu.txt but for what the GPU libraries ask for
    python .locks/resolve.py gpu --check    exits with 1 where pip would install anything else than the lock says

Only metadata is downloaded. Versions hold for Python 3.11 and 3.12: resolve with the older one, and `cpu` where pip's
own configuration finds PyTorch's CPU build (an extra index, or find-links).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = {"cpu": "jobs,benchmark,test", "gpu": "jobs,gpu,benchmark,test"}
FREED = {"llvmlite", "numba", "pandas"}  # what the GPU libraries ask for in other versions
CUDA_BUILD = "torch!=2.13.0+cpu"  # a CPU build that lies at hand has fewer dependencies


def main() -> int:
    """Write or check one lock; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=EXTRAS)
    parser.add_argument("--check", action="store_true", help="compare with the lock instead of writing it")
    options = parser.parse_args()
    lock = ROOT / ".locks" / f"{options.name}.txt"
    if not options.check:
        lock.write_text(_header(options.name) + "\n".join(_resolve(options.name, _base(options.name))) + "\n")
        return 0
    locked = _pins(lock)
    changes = sorted(set(locked) ^ set(_resolve(options.name, locked)))
    sys.stderr.write("\n".join(changes) or f"{lock.name}: pip would install just these {len(locked)} packages.")
    sys.stderr.write("\n")
    return 1 if changes else 0


def _base(name: str) -> list[str]:
    """What binds a new resolve: nothing but torch for `cpu`, the other lock for `gpu`."""
    if name == "cpu":
        return ["torch==2.13.0"]
    return [pin for pin in _pins(ROOT / ".locks" / "cpu.txt") if pin.partition("==")[0] not in FREED]


def _resolve(name: str, constraints: list[str]) -> list[str]:
    """Pins of all packages that pip would install, sorted, without local labels."""
    with tempfile.TemporaryDirectory() as folder:
        bounds, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        bounds.write_text("\n".join(constraints))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--only-binary", ":all:", "--use-feature", "fast-deps", "--constraint", str(bounds)]
        command += ["--report", str(report), f".[{EXTRAS[name]}]", "editables", "pip"]
        subprocess.run([*command, CUDA_BUILD] if name == "gpu" else command, cwd=ROOT, check=True)  # noqa: S603
        found = [item["metadata"] for item in json.loads(report.read_text())["install"]]
    pins = {_pin(each["name"], each["version"]) for each in found if each["name"] != "kat-ray"}
    return sorted(pins, key=lambda pin: pin.partition("==")[0])


def _pin(name: str, version: str) -> str:
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version.partition('+')[0]}"


def _pins(lock: Path) -> list[str]:
    return [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]


def _header(name: str) -> str:
    return (
        f"# Constraints: every package behind `pip install .[{EXTRAS[name]}]`, direct and transitive, the build\n"
        f"# backend and pip itself; for Python 3.11 and 3.12. Written by: python .locks/resolve.py {name}\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
