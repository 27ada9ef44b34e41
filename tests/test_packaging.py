"""What is handed on: the wheel that a trainer installs, the locks behind the two environments, a submitted checkout."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from ray._private.runtime_env.packaging import create_package

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OTHER_VERSION_ON_GPU = {"numba", "llvmlite", "pandas"}
CUDA = re.compile(r"nvidia-|cuda-|nvtx$|triton$|cupy-cuda|numba-cuda|cachetools$|treelite$|rapids-logger$|.*-cu13$")


def _name(requirement: str) -> str:
    """`ray` for "ray[data,serve]>=2.60"."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement).group()).lower()


def _lock(name: str) -> dict[str, str]:
    lines = (ROOT / ".locks" / f"{name}.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def _direct(*extras: str) -> set[str]:
    groups = [PROJECT["project"]["dependencies"], *(PROJECT["project"]["optional-dependencies"][e] for e in extras)]
    return {_name(requirement) for group in groups for requirement in group}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built by the backend that stands in the environment."""
    return _build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def _build_wheel(source: Path, folder: Path, **environment: str) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--wheel-dir", str(folder), str(source)]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_library_its_page_and_the_built_viewer_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    built = ROOT / "viewer" / "dist"
    library = {str(path.relative_to(ROOT)) for path in (ROOT / "kat_ray").rglob("*.py")} | {"kat_ray/py.typed"}
    library |= {f"kat_ray/evaluation/page.{kind}" for kind in ("css", "html", "js")}
    viewer = {f"kat_ray/viewer/{path.relative_to(built)}" for path in built.rglob("*") if path.is_file()}
    assert "kat_ray/viewer/index.html" in viewer
    assert names == library | viewer


@pytest.fixture
def checkout_without_node(tmp_path) -> tuple[Path, dict[str, str]]:
    """What a wheel is built from, without a built viewer, and an environment without Node.js."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "kat_ray", checkout / "kat_ray")
    for name in ("pyproject.toml", "README.md", "LICENSE", "viewer/build_hook.py", "viewer/package.json"):
        (checkout / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    return checkout, {"PATH": str(tmp_path)}


def test_without_node_a_wheel_is_built_without_the_viewer_only_when_that_is_asked_for(checkout_without_node, tmp_path):
    checkout, environment = checkout_without_node
    with pytest.raises(AssertionError, match=r"Node.js 20 or newer and npm.* KAT_RAY_VIEWER=optional"):
        _build_wheel(checkout, tmp_path, **environment)
    wheel = _build_wheel(checkout, tmp_path, **environment, KAT_RAY_VIEWER="optional")
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("kat_ray/viewer/")]


def test_without_node_a_viewer_that_is_built_already_is_packed(checkout_without_node, tmp_path):
    checkout, environment = checkout_without_node
    (checkout / "viewer/dist").mkdir()
    (checkout / "viewer/dist/index.html").write_text("<!doctype html>")
    assert "kat_ray/viewer/index.html" in zipfile.ZipFile(_build_wheel(checkout, tmp_path, **environment)).namelist()


def _write_script(path: Path, *lines: str) -> None:
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)


def test_a_viewer_that_is_up_to_date_needs_packages_only_where_its_tools_are_used(checkout_without_node, tmp_path):
    checkout, _ = checkout_without_node
    viewer, calls = checkout / "viewer", tmp_path / "calls"
    for name in ("package-lock.json", "dist/index.html"):
        (viewer / name).parent.mkdir(exist_ok=True)
        (viewer / name).touch()
    _write_script(tmp_path / "node", "echo v22.0.0")
    _write_script(
        tmp_path / "npm", f"echo $1 >> {calls}", "mkdir -p node_modules", "touch node_modules/.package-lock.json"
    )

    def run(*options: str) -> str:
        command = [sys.executable, str(viewer / "build_hook.py"), *options]
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        return calls.read_text() if calls.exists() else ""

    assert run() == run("--optional") == ""
    assert run("--tools") == run("--tools") == "ci\n"


def test_the_source_distribution_has_the_sources_of_the_viewer_and_not_its_packages(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
    assert [name for name in names if name.endswith("/viewer/package-lock.json")]
    assert not [name for name in names if "node_modules" in name]


def test_the_wheel_asks_for_three_packages_and_carries_its_licence(wheel):
    archive = zipfile.ZipFile(wheel)
    folder = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")).removesuffix("METADATA")
    metadata = email.message_from_bytes(archive.read(folder + "METADATA"))
    base = {_name(requirement) for requirement in metadata.get_all("Requires-Dist") if "extra ==" not in requirement}
    assert base == {"numpy", "pyarrow", "urllib3"}
    assert metadata["License-Expression"] == "Apache-2.0"
    assert b"Apache License" in archive.read(folder + "licenses/LICENSE")


def test_the_installed_wheel_works_without_the_heavy_packages(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    command = [sys.executable, "-I", str(ROOT / "tests/bare_interpreter.py"), str(tmp_path)]
    command += ["kat_ray", "kat_ray.snapshot.snapshot"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(str(tmp_path)) for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("name", "extras"), [("cpu", ("jobs", "benchmark", "test")), ("gpu", ("jobs", "gpu", "benchmark", "test"))]
)
def test_a_lock_pins_every_direct_dependency(name, extras):
    assert not _direct(*extras) - set(_lock(name))
    assert {"hatchling", "editables", "pip"} <= set(_lock(name))


def test_the_locks_differ_only_by_what_a_gpu_needs():
    cpu, gpu = _lock("cpu"), _lock("gpu")
    assert set(cpu) <= set(gpu)
    assert {name for name in set(cpu) & set(gpu) if cpu[name] != gpu[name]} == OTHER_VERSION_ON_GPU
    assert not [name for name in set(gpu) - set(cpu) if not CUDA.match(name)]


def test_the_locks_take_any_build_of_torch():
    assert _lock("cpu")["torch"] == _lock("gpu")["torch"] == "2.13.0"


@pytest.mark.long
@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_pip_would_install_just_what_the_lock_says(name):
    command = [sys.executable, str(ROOT / ".locks/resolve.py"), name, "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def bare_checkout(tmp_path) -> Path:
    """What `make install` looks at, and no environment."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / ".locks", tmp_path / ".locks")
    return tmp_path


@pytest.mark.parametrize("version", ["3.10.13", "3.13.0", None])
def test_make_refuses_another_python_in_one_sentence(bare_checkout, version):
    python = bare_checkout / "some-python"
    if version:
        python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit 1\necho "Python {version}"\n')
        python.chmod(0o755)
    command = ["make", "demo", f"PYTHON={python}"]
    done = subprocess.run(command, cwd=bare_checkout, capture_output=True, text=True, timeout=60, check=False)
    sentence, end = done.stderr.splitlines()
    assert f"needs Python 3.11 or 3.12, but {python} is {f'Python {version}' if version else 'not there'}" in sentence
    assert done.returncode != 0
    assert "Error 1" in end
    assert not (bare_checkout / ".venv").exists()


def test_make_installs_nothing_where_the_environment_is_up_to_date(bare_checkout):
    (bare_checkout / ".venv/bin").mkdir(parents=True)
    for name in ("bin/pip", ".installed"):
        (bare_checkout / ".venv" / name).touch()
    question = ["make", "--question", "install"]
    assert subprocess.run(question, cwd=bare_checkout, timeout=60, check=False).returncode == 0
    (bare_checkout / ".venv/.installed").unlink()
    assert subprocess.run(question, cwd=bare_checkout, timeout=60, check=False).returncode == 1


@pytest.mark.parametrize("gitignore", [True, False])
def test_a_submitted_checkout_is_small_after_the_demo(tmp_path, gitignore):
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("kat_ray", "jobs", "tests"):
        shutil.copytree(ROOT / name, checkout / name)
    for name in ("pyproject.toml", "README.md", "cluster.yaml", ".gitignore", ".rayignore"):
        shutil.copy(ROOT / name, checkout / name)
    heavy = [".venv/lib", ".git/objects", "demo/store", "viewer/node_modules/three", ".mypy_cache/3.11"]
    for folder in heavy:
        (checkout / folder).mkdir(parents=True)
        with (checkout / folder / "large").open("wb") as file:
            file.truncate(21 << 20)
    (checkout / "viewer/dist").mkdir()
    (checkout / "viewer/dist/index.html").touch()
    package = tmp_path / "package.zip"
    create_package(str(checkout), package, include_gitignore=gitignore, excludes=[])
    names = zipfile.ZipFile(package).namelist()
    assert {"jobs/build.py", "kat_ray/engine/build.py", "pyproject.toml"} <= set(names)
    assert not [name for name in names if name.endswith((".pyc", "large"))]
    assert ("viewer/dist/index.html" in names) == (not gitignore)
    assert package.stat().st_size < 20 << 20
