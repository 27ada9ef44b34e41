"""Which KAT-Ray this is."""

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """As pyproject.toml states it; "0" where the package is not installed, as on workers of a submitted job."""
    try:
        return version("kat-ray")
    except PackageNotFoundError:
        return "0"
