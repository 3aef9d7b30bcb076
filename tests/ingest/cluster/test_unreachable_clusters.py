"""A cluster that cannot be used: one line that says why and what to do, and nothing is changed."""

from pathlib import Path

import pytest

from tests.kit.missing_packages import environment_without
from tests.kit.processes import Workspace, assert_one_line


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.write("a.md", "# Tides\n\nThe tide turns twice a day.\n")
    return workspace.given(ZHIWEN_INGEST__ENGINE="ray")


def test_without_ray_the_command_that_installs_it_is_named(workspace: Workspace, tmp_path: Path) -> None:
    without = workspace.given(**environment_without(tmp_path / "hidden", "ray"))
    assert_one_line(without.run("ingest"), 2, "needs the extra `ray`", "'zhiwen[ray]'")
    assert not workspace.database.exists()


@pytest.mark.usefixtures("ray_is_installed")
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_an_address_without_a_cluster_is_named(workspace: Workspace, address: str) -> None:
    there = workspace.given(ZHIWEN_INGEST__RAY_ADDRESS=address)
    assert_one_line(there.run("ingest"), 1, f"the Ray cluster {address} cannot be reached", "ingest.ray_address")
    assert not workspace.database.exists()


@pytest.mark.usefixtures("ray_is_installed")
def test_an_address_that_is_none_is_named(workspace: Workspace) -> None:
    assert_one_line(workspace.given(ZHIWEN_INGEST__RAY_ADDRESS="nowhere").run("ingest"), 2, "ingest.ray_address")
