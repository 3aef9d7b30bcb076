"""An environment in which packages seem not to be installed."""

from pathlib import Path


def environment_without(folder: Path, *packages: str) -> dict[str, str]:
    """Variables for a Python process that cannot import `packages`. `folder` must be new."""
    folder.mkdir()
    hidden = "".join(f"sys.modules[{package!r}] = None\n" for package in packages)
    (folder / "sitecustomize.py").write_text(f"import sys\n{hidden}")
    return {"PYTHONPATH": str(folder)}
