"""The names at the top of the library: what they are, and what asking for them costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kat_ray

ROOT = Path(__file__).parents[1]


def _run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_names_are_these():
    assert kat_ray.__all__ == [
        "DensitySampler",
        "Exposure",
        "GroupDensitySampler",
        "Snapshot",
        "WeightsClient",
        "load_encoder",
    ]
    assert set(kat_ray.__all__) <= set(dir(kat_ray))


@pytest.mark.parametrize("name", kat_ray.__all__)
def test_each_name_is_what_its_module_calls_so(name):
    assert getattr(kat_ray, name).__name__ == name


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'kat_ray' has no attribute 'nothing'"):
        _ = kat_ray.nothing


def test_importing_the_library_imports_nothing_else():
    assert _run("import kat_ray, sys; print({'numpy', 'pyarrow', 'urllib3', 'torch'} & set(sys.modules))") == "set()\n"


def test_clients_and_snapshots_import_no_torch():
    code = "from kat_ray import Exposure, Snapshot, WeightsClient; import sys; print('torch' in sys.modules)"
    assert _run(code) == "False\n"
