"""A knowledge folder with a secret beside it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store.store import Store
from tests.kit.confined_folder import HIDDEN, ConfinedFolder
from tests.kit.corpus import Folder, settings_for


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the root, with a secret."""
    folder = tmp_path / "outside"
    (folder / "sub").mkdir(parents=True)
    (folder / "secret.md").write_text(HIDDEN, encoding="utf-8")
    (folder / "sub" / "secret.md").write_text(HIDDEN, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with one good document."""
    folder = Folder(tmp_path / "docs")
    folder.write("good.md", "# Good\n\nThe heron nests in March.\n")
    return folder


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which one document has been ingested, because the first ingest of all takes longest."""
    place = tmp_path_factory.mktemp("confined")
    folder = Folder(place / "docs")
    folder.write("good.md", "# Good\n\nThe heron nests in March.\n")
    settings = settings_for(folder.root, place / "m.db")
    store = Store.open(settings.store)
    assert ingest(settings, store, ScriptedEmbedder()).ok
    store.close()
    return place / "m.db"


@pytest.fixture
def confined(empty_database: Path, folder: Folder, tmp_path: Path) -> Iterator[ConfinedFolder]:
    shutil.copy2(empty_database, tmp_path / "m.db")
    settings = settings_for(folder.root, tmp_path / "m.db")
    store = Store.open(settings.store)
    yield ConfinedFolder(folder, settings, store)
    store.close()
