"""The version of zhiwen, which stands in pyproject.toml and nowhere else."""

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

_PROJECT = Path(__file__).parents[1] / "pyproject.toml"


@cache
def version() -> str:
    """Return the version, such as `0.2.0`: that of the source tree if this is one, else that of the installation."""
    # The metadata of an editable installation are as old as the installation, and without one there are none.
    if _PROJECT.is_file():
        project = tomllib.loads(_PROJECT.read_text("utf-8")).get("project", {})
        if project.get("name") == "zhiwen":
            return str(project["version"])
    return metadata.version("zhiwen")
