"""Six short guides, ingested."""

from pathlib import Path

import pytest

from tests.kit.lighthouse_guides import write_guides
from tests.kit.processes import Workspace
from tests.kit.shared_folder import shared_folder


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The ingested guides. Tests must not change them."""
    return Workspace(shared_folder(tmp_path_factory, "guides", _ingest_guides))


def _ingest_guides(folder: Path) -> None:
    workspace = Workspace(folder)
    write_guides(workspace)
    outcome = workspace.run("ingest")
    assert outcome.status == 0, outcome


@pytest.fixture
def workspace(ingested: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the guides and their index."""
    return ingested.copy_to(tmp_path)
