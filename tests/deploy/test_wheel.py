"""The wheel, built from the files that .dockerignore lets through, lacks no file and works in any folder."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.kit.paths import ROOT
from tests.kit.processes import clean_environment

PACKAGES = ("api", "ingest", "rag")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("wheel") / "source"
    source.mkdir()
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if line.startswith("!"):
            path = ROOT / line[1:]
            if path.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(path, source / path.name, ignore=ignored, symlinks=True)
            else:
                shutil.copy(path, source)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "."],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = source.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.split("/")[0] in PACKAGES}
        assert archive.read("api/cli/config.yaml") == (ROOT / "config.yaml").read_bytes()
    tracked = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    # Only readers of the repository need this file: a running service generates its own description.
    assert {name for name in tracked if name} - packed <= {"api/http/openapi/openapi.json"}


def test_an_installed_wheel_answers_from_any_folder_and_leaves_nothing_in_an_empty_one(
    wheel: Path, tmp_path: Path
) -> None:
    """Its dependencies are those of this environment, without the source tree that is installed there."""
    tool = tmp_path / "tool"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tool], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(tool)}))
    pip = [sys.executable, "-m", "pip", "--python", str(tool / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    # Python does not process the .pth files of these folders, so the editable installation in them is not seen.
    (packages / "dependencies.pth").write_text(
        "\n".join(path for path in sys.path if Path(path).name == "site-packages"), "utf-8"
    )
    done = subprocess.run(
        [ROOT / ".ci/check_tool", tool / "bin" / "zhiwen"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[1] harbour.md:3  Harbour" in done.stdout
