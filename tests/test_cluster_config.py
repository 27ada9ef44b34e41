"""cluster.yaml: Ray accepts it, the token is asked for everywhere, no secret is in it, the files it names are there."""

from __future__ import annotations

import copy
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from jsonschema import ValidationError
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "cluster.yaml").read_text("utf-8")
CONFIG = yaml.safe_load(TEXT)
NODES = CONFIG["available_node_types"]
STARTS = [
    command
    for key in ("head_start_ray_commands", "worker_start_ray_commands")
    for command in CONFIG[key]
    if "ray start" in command
]


def test_ray_accepts_the_configuration():
    validate_config(prepare_config(copy.deepcopy(CONFIG)))


def test_ray_would_refuse_an_unknown_key():
    with pytest.raises(ValidationError):
        validate_config(prepare_config({**copy.deepcopy(CONFIG), "idle_minutes": 5}))


def test_every_node_type_says_what_it_offers_and_how_many_there_may_be():
    assert all(set(options["resources"]) == {"CPU", "GPU"} for options in NODES.values())
    workers = {node: options for node, options in NODES.items() if node != CONFIG["head_node_type"]}
    assert {bool(options["resources"]["GPU"]) for options in workers.values()} == {True, False}
    assert all(0 <= options["min_workers"] < options["max_workers"] for options in workers.values())
    assert sum(options["max_workers"] for options in workers.values()) <= CONFIG["max_workers"]


def test_no_node_starts_without_the_token():
    assert len(STARTS) == 2
    token = "RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=~/.ray/auth_token"
    assert all(token in command for command in STARTS)
    assert "~/.ray/auth_token" in CONFIG["file_mounts"]


def test_the_dashboard_listens_on_loopback_only():
    head = STARTS[0]
    assert "--dashboard-host=127.0.0.1" in head
    assert "0.0.0.0" not in TEXT


def test_no_secret_and_no_address_of_a_machine_stands_in_the_file():
    assert not re.search(r"AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY|ghp_\w{20}|[0-9a-f]{32}", TEXT)
    assert set(re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", TEXT)) == {"127.0.0.1"}


def test_what_is_copied_to_the_nodes_is_in_the_checkout():
    local = set(CONFIG["file_mounts"].values()) - {"~/.ray/auth_token"}
    assert local
    assert not [path for path in local if not (ROOT / path).exists()]


def test_every_command_is_one_that_a_shell_can_read():
    lists = [CONFIG[key] for key in CONFIG if key.endswith("_commands")]
    commands = [command for each in lists for command in each] + NODES["gpu_worker"]["worker_setup_commands"]
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True, timeout=30)


def test_each_kind_of_node_installs_from_its_own_lock():
    gpu = " ".join(NODES["gpu_worker"]["worker_setup_commands"])
    cpu = " ".join(CONFIG["setup_commands"] + CONFIG["worker_setup_commands"])
    assert "--constraint .locks/gpu.txt" in gpu
    assert ".[jobs,gpu]" in gpu
    assert "--constraint .locks/cpu.txt" in cpu
    assert ".[jobs]" in cpu
