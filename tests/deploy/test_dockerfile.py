"""The Dockerfile passes its linter, and everything that it names exists in the code."""

import json
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import typer
import yaml

from api.cli.main import app
from api.guard.key_file import keys_of
from api.guard.route_rules import rule_of
from rag.settings_loader import load_settings
from tests.kit.paths import ROOT

TEXT = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSED = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["zhiwen"]
JOINED = re.sub(r"\\\n\s*", "", TEXT)


def instructions(name: str) -> list[str]:
    """The arguments of every instruction of this name."""
    return re.findall(rf"^{name} (.+)$", JOINED, re.MULTILINE)


def environment() -> dict[str, str]:
    """The variables that the image sets."""
    pairs = [pair for line in instructions("ENV") for pair in line.split()]
    return dict(pair.split("=", 1) for pair in pairs)


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_ignore_file_lets_through_exactly_what_is_copied() -> None:
    copied = {source for line in instructions("COPY") if "--from" not in line for source in line.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_through = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert copied == let_through
    assert "*" in lines
    assert all((ROOT / name).exists() for name in copied)


def test_every_package_is_copied_and_every_extra_exists() -> None:
    packages = {"api", "ingest", "rag"}
    assert packages <= {source for line in instructions("COPY") for source in line.split()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (extras,) = re.findall(r'^ARG EXTRAS="([\w,-]+)"$', TEXT, re.MULTILINE)
    assert set(extras.split(",")) <= project["project"]["optional-dependencies"].keys()
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert all(any(fnmatch(package, pattern) for pattern in include) for package in packages)


def test_a_change_of_the_sources_installs_no_dependency_again() -> None:
    before, _, after = JOINED.partition('install --no-compile --constraint constraints.txt ".[$EXTRAS]"')
    assert after, "the dependencies are installed"
    assert re.findall(r"^COPY (.+)$", before, re.MULTILINE) == ["pyproject.toml constraints.txt ./"]
    assert "install --no-compile --no-deps" in after, "the sources are installed without them"


def test_its_variables_are_settings_and_it_waits_for_its_first_key() -> None:
    variables = {name: value for name, value in environment().items() if name.startswith("ZHIWEN_")}
    settings = load_settings(environment=variables)
    assert settings.serve.host == "0.0.0.0"
    assert Path(settings.serve.keys_file).parent == Path("/data")
    assert len(keys_of(settings.serve)) == 0
    assert instructions("EXPOSE") == [str(settings.serve.port)]
    assert f"COPY knowledge {settings.knowledge.path}" in TEXT


def test_it_starts_the_service_as_an_unprivileged_user() -> None:
    entry, command = (json.loads(instructions(name)[0]) for name in ("ENTRYPOINT", "CMD"))
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert re.search(rf'^{entry[0]} = "api.cli.start:main"', project, re.MULTILINE)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert command[0] in group.commands
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert TEXT.index("\nUSER ") < TEXT.index("\nENTRYPOINT ")


def test_its_health_check_equals_that_of_the_compose_file_and_needs_no_key() -> None:
    (line,) = instructions("HEALTHCHECK")
    check = json.loads(line.partition("CMD ")[2])
    assert ["CMD", *check] == COMPOSED["healthcheck"]["test"]
    path = re.search(r"http://127\.0\.0\.1:8000(/[\w/]+)", check[-1])
    assert path
    assert rule_of("GET", path[1]).needs is None
    compile(check[-1], "health check", "exec")


def test_the_image_has_the_version_of_the_project() -> None:
    version = re.search(r'^version = "([\d.]+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version
    kustomization = yaml.safe_load((ROOT / "deploy/kubernetes/kustomization.yaml").read_text("utf-8"))
    assert kustomization["images"] == [{"name": "zhiwen", "newTag": version[1]}]
    assert COMPOSED["image"] == f"zhiwen:{version[1]}"
