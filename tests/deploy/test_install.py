"""deploy/install.py, which every make target runs first, in a small project with an index of its own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

from tests.kit.paths import ROOT

SCRIPT = ROOT / "deploy" / "install.py"
BACKEND = """
from zipfile import ZipFile

METADATA = "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\nRequires-Dist: needed\\n" \\
    "Provides-Extra: dev\\nRequires-Dist: needed-by-tests; extra == 'dev'\\n"

def build_editable(folder, config_settings=None, metadata_directory=None):
    with ZipFile(f"{folder}/small-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("small-1.dist-info/METADATA", METADATA)
        wheel.writestr("small-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("small-1.dist-info/RECORD", "")
    return "small-1-py3-none-any.whl"
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = spec_from_file_location("install", SCRIPT)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True)
class SmallProject:
    """A project with two versions of a dependency on an index that only pip's configuration names."""

    folder: Path

    def install(self, *extras: str, path: str) -> subprocess.CompletedProcess[str]:
        """Run the script with a PATH, and no settings of pip or uv but those of the project."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "XDG_"))}
        own = {"PATH": path, "PIP_CONFIG_FILE": str(self.folder / "pip.conf"), "UV_CACHE_DIR": str(self.folder / "uv")}
        command = [sys.executable, str(self.folder / "deploy" / "install.py"), *extras]
        return subprocess.run(command, env=kept | own, capture_output=True, text=True, check=False)

    def installed(self) -> set[str]:
        """The name and version of each package in the environment."""
        return {folder.stem for folder in (self.folder / ".venv").glob("lib/*/site-packages/*.dist-info")}


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    index = tmp_path / "index"
    index.mkdir()
    for name, version in (("needed", "1"), ("needed", "2"), ("needed_by_tests", "1")):
        with ZipFile(index / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            information = f"{name}-{version}.dist-info"
            wheel.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{information}/RECORD", "")
    (tmp_path / "pip.conf").write_text(f"[global]\nno-index = true\n[install]\nfind-links = {index}\n")
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "small"\nversion = "1"\ndependencies = ["needed"]\n'
        '[project.optional-dependencies]\ndev = ["needed-by-tests"]\n'
    )
    (tmp_path / "constraints.txt").write_text("needed==1\nneeded-by-tests==1\n")
    (tmp_path / "deploy").mkdir()
    shutil.copy(SCRIPT, tmp_path / "deploy")
    shutil.copy(SCRIPT.with_name("prune.py"), tmp_path / "deploy")
    return SmallProject(tmp_path)


def test_uv_installs_the_locked_versions_from_the_index_of_pip(project: SmallProject) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert uv
    done = project.install(path=f"{Path(uv).parent}:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (0, ""), done
    assert done.stderr.splitlines() == ["Setting up .venv. This takes a minute at most …"]
    assert {"small-1", "needed-1"} <= project.installed()
    assert not any("uv" in name or "setuptools" in name for name in project.installed())

    assert project.install("dev", path=f"{Path(uv).parent}:/usr/bin:/bin").stderr == ""
    assert "needed_by_tests-1" in project.installed()


def test_pip_installs_where_uv_cannot_be_had(project: SmallProject) -> None:
    done = project.install("dev", path="/usr/bin:/bin")
    assert done.returncode == 0, done
    assert "uv cannot be fetched; pip takes longer." in done.stderr
    assert {"small-1", "needed-1", "needed_by_tests-1"} <= project.installed()


def test_what_cannot_be_installed_fails_with_the_reason(project: SmallProject) -> None:
    (project.folder / "constraints.txt").write_text("needed==3\n")
    done = project.install(path="/usr/bin:/bin")
    assert done.returncode == 1
    assert "ResolutionImpossible" in done.stderr
    assert done.stderr.splitlines()[-1] == "The dependencies cannot be installed; the lines above say why."


def test_an_older_python_is_refused_by_name(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert script.main([]) == (
        f"zhiwen needs Python 3.11 or newer; {sys.executable} is 3.9.2. Run: make PYTHON=python3.11 …"
    )


def test_the_settings_of_pip_are_read_in_its_order(script: ModuleType) -> None:
    listed = (
        ":env:.find-links='/a /b'\n"
        "global.extra-index-url='https://one.example/simple https://two.example/simple'\n"
        "global.index-url='https://global.example/simple'\n"
        "install.index-url='https://install.example/simple'\n"
        "download.index-url='https://download.example/simple'\n"
    )
    settings = script.parse_pip_settings(listed)
    assert settings == {
        "extra-index-url": "https://one.example/simple https://two.example/simple",
        "index-url": "https://install.example/simple",
        "find-links": "/a /b",
    }
    assert script.uv_environment(settings, {"HOME": "/h"}) == {
        "HOME": "/h",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_DEFAULT_INDEX": "https://install.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_FIND_LINKS": "/a,/b",
    }


def test_settings_of_uv_go_before_those_of_pip(script: ModuleType) -> None:
    own = {"UV_DEFAULT_INDEX": "https://uv.example/simple"}
    assert script.uv_environment({"index-url": "https://pip.example/simple"}, own) == own
