"""Create .venv and install zhiwen into it: python3 deploy/install.py [EXTRA …]

The versions are those of constraints.txt. uv installs several times faster than pip, so it is used if it is on PATH or
if pip can fetch it; otherwise pip installs everything. Both use the package index that pip is configured for.
"""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)

# A setting of pip → the variable of uv that means the same.
UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
COMMA_SEPARATED = {"UV_FIND_LINKS"}


def main(extras: list[str]) -> str:
    """Install zhiwen with `extras`. Return what is wrong, or an empty text."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        return f"zhiwen needs Python 3.11 or newer; {sys.executable} is {found}. Run: make PYTHON=python3.11 …"
    if not PYTHON.exists():
        print("Setting up .venv. This takes a minute at most …", file=sys.stderr)
    uv = shutil.which("uv")
    if not _create_environment(uv):
        return ".venv cannot be created. Install uv, or on Debian and Ubuntu: apt install python3-venv"
    project = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    with TemporaryDirectory() as folder:
        uv = uv or _fetch_uv(folder)
        if not (uv and _install_with_uv(uv, project)) and not _install_with_pip(project):
            return "The dependencies cannot be installed; the lines above say why."
    return "" if _run([str(PYTHON), str(ROOT / "deploy" / "prune.py")]) else "deploy/prune.py failed."


def uv_environment(pip_settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` with the settings of pip as variables of uv, unless uv has settings of its own there."""
    own = any(name in environment for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_CONFIG_FILE"))
    variables = {} if own else {"UV_INDEX_STRATEGY": "unsafe-best-match"}  # of all indexes, as pip does
    for setting, value in pip_settings.items():
        name = UV_VARIABLES.get(setting)
        if name and not own:
            variables[name] = ",".join(value.split()) if name in COMMA_SEPARATED else value
    return {**variables, **environment}


def parse_pip_settings(listed: str) -> dict[str, str]:
    """Return what `pip config list` prints as settings: `install.` overrides `global.`, variables override both."""
    settings: dict[int, dict[str, str]] = {}
    for line in listed.splitlines():
        name, separator, value = line.partition("=")
        section, dot, key = name.rpartition(".")
        if separator and dot and section in _SECTIONS:
            settings.setdefault(_SECTIONS.index(section), {})[key] = str(ast.literal_eval(value))
    return {key: value for rank in sorted(settings) for key, value in settings[rank].items()}


_SECTIONS = ("global", "install", ":env:")


def _create_environment(uv: str | None) -> bool:
    if PYTHON.exists() and (VENV / "bin" / "pip").exists():
        return True
    if _run([sys.executable, "-m", "venv", "--clear", str(VENV)], stdout=subprocess.DEVNULL):
        _pip("uninstall", "--yes", "setuptools")  # Python 3.11 puts it there; nothing at run time needs it
        return True
    # Debian has Python without ensurepip.
    return bool(uv) and _run_uv(str(uv), "venv", "--clear", "--seed", "--python", sys.executable, str(VENV))


def _fetch_uv(folder: str) -> str | None:
    """Return the path of uv. It is not put into .venv, which would grow by 40 MB."""
    if _pip("install", "--constraint", str(ROOT / "constraints.txt"), "--target", folder, "uv"):
        return str(Path(folder) / "bin" / "uv")
    print("uv cannot be fetched; pip takes longer.", file=sys.stderr)
    return None


def _install_with_uv(uv: str, project: str) -> bool:
    command = ("pip", "install", "--python", str(PYTHON), "--constraint", str(ROOT / "constraints.txt"))
    if _run_uv(uv, *command, "--editable", project):
        return True
    print("uv could not install the dependencies; trying pip.", file=sys.stderr)
    return False


def _install_with_pip(project: str) -> bool:
    return _pip("install", "--no-compile", "--constraint", str(ROOT / "constraints.txt"), "--editable", project)


def _run_uv(uv: str, *arguments: str) -> bool:
    listed = subprocess.check_output([str(PYTHON), "-m", "pip", "config", "list"], text=True)  # noqa: S603  (as below)
    return _run([uv, *arguments, "--quiet"], env=uv_environment(parse_pip_settings(listed), os.environ))


def _pip(*arguments: str) -> bool:
    return _run([str(PYTHON), "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"])


def _run(command: list[str], **options: Any) -> bool:
    return subprocess.run(command, check=False, **options).returncode == 0  # noqa: S603  (commands and paths of ours)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
