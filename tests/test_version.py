"""The version is there whether or not the package is installed."""

from __future__ import annotations

from importlib import metadata

import pytest

from kat_ray import version


def test_an_installed_package_has_its_version_and_a_checkout_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert version.program_version() == metadata.version("kat-ray")

    def nowhere(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(version, "version", nowhere)
    assert version.program_version() == "0"
