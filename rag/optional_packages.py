"""Packages that are installed only with an extra of zhiwen."""

import sys
from collections.abc import Iterable
from importlib.util import find_spec

from rag.errors import ZhiwenError


def require_extra(extra: str, packages: Iterable[str], *, purpose: str, error: type[ZhiwenError]) -> None:
    """Raise `error` if one of `packages` is not installed; its message has the command that installs the extra.

    `packages` are names to import, `purpose` is what needs them. Nothing is imported, which would take seconds.
    """
    if not all(_is_installed(package) for package in packages):
        raise error(f"{purpose} needs the extra `{extra}`, which is not installed; run: {install_command(extra)}")


def install_command(extra: str) -> str:
    """Return the shell command that adds an extra to the environment of this process."""
    pip = f"{sys.executable} -m pip install" if find_spec("pip") else f"uv pip install --python {sys.executable}"
    return f"{pip} 'zhiwen[{extra}]'"


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the package that holds it is missing
        return False
