"""constraints.txt has a version of every package, for each Python that pyproject.toml allows, from any index."""

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.kit.paths import ROOT

PYTHONS = ("3.11.0", "3.11.2", "3.11.4", "3.12.0", "3.13.0", "3.14.0")
PLATFORM = {"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux"}

every_python = pytest.mark.parametrize("python", PYTHONS)


@cache
def pins() -> tuple[Requirement, ...]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return tuple(Requirement(line) for line in lines if line and not line.startswith("#"))


def pins_for(python: str) -> dict[str, Version]:
    environment = PLATFORM | {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    found: dict[str, Version] = {}
    for pin in pins():
        if pin.marker is None or pin.marker.evaluate(environment):
            assert pin.name not in found, f"two versions of {pin.name} for Python {python}"
            (exactly,) = pin.specifier
            found[canonicalize_name(pin.name)] = Version(exactly.version)
    return found


def direct_requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    texts = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    return [requirement for requirement in map(Requirement, texts) if requirement.name != project["name"]]


@every_python
def test_each_dependency_has_one_version_in_its_range(python: str) -> None:
    locked = pins_for(python)
    for requirement in direct_requirements():
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier, requirement


@every_python
def test_each_version_accepts_this_python(python: str) -> None:
    checked = 0
    for name, version in pins_for(python).items():
        try:
            installed = metadata(name)
        except PackageNotFoundError:  # the parts of PyTorch's CUDA build, among others
            continue
        if Version(installed["Version"]).public == version.public:
            checked += 1
            accepted = SpecifierSet(installed["Requires-Python"] or "")
            assert accepted.contains(python), f"{name} {version} needs Python {accepted}"
    assert checked > 150


def test_the_pythons_checked_are_those_that_are_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    assert all(allowed.contains(python) for python in PYTHONS)
    assert not allowed.contains("3.10.19")


def test_each_dependency_has_an_upper_bound() -> None:
    for requirement in direct_requirements():
        assert {clause.operator for clause in requirement.specifier} & {"<", "==", "~="}, requirement


def test_no_index_is_named() -> None:
    assert "://" not in (ROOT / "constraints.txt").read_text("utf-8")
