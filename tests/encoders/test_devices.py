from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from kat_ray.encoders import devices
from kat_ray.encoders.devices import import_openvino, resolve_device, resolve_precision
from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import identify_encoder, load_encoder
from kat_ray.errors import EncoderError, ResourceError


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)


def _cpu_with(capabilities: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    core = SimpleNamespace(get_property=lambda device, name: capabilities)
    monkeypatch.setattr(devices, "import_openvino", lambda: SimpleNamespace(Core=lambda: core))


@pytest.mark.usefixtures("no_gpu")
def test_a_missing_gpu_is_an_error_at_once_and_never_a_fall_back() -> None:
    for function in (identify_encoder, load_encoder):
        with pytest.raises(ResourceError, match=r"A GPU was asked for.*choose the device cpu"):
            function(EncoderConfig(device="gpu"))


@pytest.mark.usefixtures("no_gpu")
def test_auto_takes_the_cpu_where_there_is_no_gpu() -> None:
    assert resolve_device(EncoderConfig(device="auto")) == "cpu"


@pytest.mark.parametrize(("capabilities", "expected"), [(["FP32", "BF16"], "bfloat16"), (["FP32"], "float32")])
def test_auto_precision_is_what_the_processor_has(
    monkeypatch: pytest.MonkeyPatch, capabilities: list[str], expected: str
) -> None:
    _cpu_with(capabilities, monkeypatch)
    assert resolve_precision(EncoderConfig(), "cpu") == expected
    assert resolve_precision(EncoderConfig(precision="float32"), "cpu") == "float32"


def test_a_precision_that_the_device_lacks_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _cpu_with(["FP32"], monkeypatch)
    with pytest.raises(ResourceError, match="no bfloat16"):
        resolve_precision(EncoderConfig(precision="bfloat16"), "cpu")
    with pytest.raises(EncoderError, match="float16 is for GPUs"):
        resolve_precision(EncoderConfig(precision="float16"), "cpu")


def test_int8_is_for_cpus_with_vnni_and_never_automatic(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    facts = tmp_path / "cpuinfo"
    monkeypatch.setattr(devices, "_CPU_FACTS", facts)
    config = EncoderConfig(precision="int8")
    with pytest.raises(ResourceError, match="no VNNI"):
        resolve_precision(config, "cpu")
    facts.write_text("flags : avx2 avx512_vnni\n")
    assert resolve_precision(config, "cpu") == "int8"
    assert resolve_precision(EncoderConfig(), "cpu") != "int8"
    with pytest.raises(EncoderError, match="int8 is for CPUs"):
        resolve_precision(config, "gpu")


def test_a_gpu_runs_in_half_precision_unless_told_otherwise() -> None:
    assert resolve_precision(EncoderConfig(), "gpu") == "float16"
    assert resolve_precision(EncoderConfig(precision="bfloat16"), "gpu") == "bfloat16"


def test_openvino_is_kept_from_sending_usage_data() -> None:
    openvino = import_openvino()
    assert sys.modules["openvino_telemetry"] is None
    assert openvino.tools.ovc.telemetry_utils.tm.__name__.endswith("telemetry_stub")
