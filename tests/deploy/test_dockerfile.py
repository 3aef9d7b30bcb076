"""The Dockerfile passes its linter, and everything that it names exists in the code."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import typer
import yaml

from api.cli.main import app
from api.guard.key_file import keys_of
from api.guard.route_rules import rule_of
from rag.errors import ConfigError
from rag.settings_loader import load_settings
from tests.kit.compose import composed
from tests.kit.paths import ROOT

TEXT = (ROOT / "Dockerfile").read_text("utf-8")
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


def test_every_package_is_copied_and_installed() -> None:
    packages = {"api", "ingest", "rag"}
    assert packages <= {source for line in instructions("COPY") for source in line.split()}
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    extras = re.findall(r"pip install --constraint constraints\.txt '\.\[([\w,]+)\]'", JOINED)
    for extra in extras[0].split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE)
    include = re.search(r"^include = (\[.*\])$", project, re.MULTILINE)
    assert include
    assert all(any(fnmatch(package, pattern) for pattern in json.loads(include[1])) for package in packages)
    assert re.search(r"^torch==[\d.]+$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)


def test_its_variables_are_settings_and_it_does_not_start_without_a_key() -> None:
    variables = {name: value for name, value in environment().items() if name.startswith("ZHIWEN_")}
    settings = load_settings(environment=variables)
    assert settings.serve.host == "0.0.0.0"
    with pytest.raises(ConfigError, match="no API key"):
        keys_of(settings.serve)
    assert instructions("EXPOSE") == [str(settings.serve.port)]
    assert f"COPY knowledge {settings.knowledge.path}" in TEXT


def test_it_starts_the_service_as_an_unprivileged_user() -> None:
    entry, command = (json.loads(instructions(name)[0]) for name in ("ENTRYPOINT", "CMD"))
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert re.search(rf'^{entry[0]} = "api.cli.main:main"', project, re.MULTILINE)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert command[0] in group.commands
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert TEXT.index("\nUSER ") < TEXT.index("\nENTRYPOINT ")


def test_its_health_check_equals_that_of_the_compose_file_and_needs_no_key() -> None:
    (line,) = instructions("HEALTHCHECK")
    check = json.loads(line.partition("CMD ")[2])
    assert ["CMD", *check] == composed()["services"]["zhiwen"]["healthcheck"]["test"]
    path = re.search(r"http://127\.0\.0\.1:8000(/[\w/]+)", check[-1])
    assert path
    assert rule_of("GET", path[1]).needs is None
    compile(check[-1], "health check", "exec")


def test_the_image_has_the_version_of_the_project() -> None:
    version = re.search(r'^version = "([\d.]+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version
    kustomization = yaml.safe_load((ROOT / "deploy/kubernetes/kustomization.yaml").read_text("utf-8"))
    assert kustomization["images"] == [{"name": "zhiwen", "newTag": version[1]}]
    for name in ("zhiwen", "lite"):
        assert composed()["services"][name]["image"] == f"zhiwen:{version[1]}"
