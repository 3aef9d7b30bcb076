"""Databases with a few good documents, to be copied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import EmbeddingSettings
from rag.store.store import Store
from tests.kit.corpus import Folder, settings_for
from tests.kit.shelf import Shelf, ingest_good_documents


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `docs` with three good documents, and a database `m.db` with them."""
    place = tmp_path_factory.mktemp("good")
    ingest_good_documents(place)
    return place


@pytest.fixture
def shelf(ingested: Path, tmp_path: Path) -> Iterator[Shelf]:
    shutil.copytree(ingested / "docs", tmp_path / "docs")
    shutil.copy2(ingested / "m.db", tmp_path / "m.db")
    settings = settings_for(tmp_path / "docs", tmp_path / "m.db")
    # Some of these documents give hundreds of chunks.
    settings = settings.model_copy(update={"embedding": EmbeddingSettings(batch_size=64)})
    store = Store.open(settings.store)
    yield Shelf(Folder(settings.knowledge.path), settings, store, ScriptedEmbedder())
    store.close()


@pytest.fixture(scope="module")
def empty_ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `docs` with one empty file, and a database `m.db` with it."""
    place = tmp_path_factory.mktemp("empty")
    folder = Folder(place / "docs")
    folder.write("empty.md", "")
    settings = settings_for(folder.root, place / "m.db")
    store = Store.open(settings.store)
    report = ingest(settings, store, ScriptedEmbedder())
    assert (report.ok, report.generation, report.documents.added, report.embedded) == (True, 1, 1, 0)
    store.close()
    return place


@pytest.fixture
def empty_shelf(empty_ingested: Path, tmp_path: Path) -> Iterator[Shelf]:
    shutil.copytree(empty_ingested / "docs", tmp_path / "docs")
    shutil.copy2(empty_ingested / "m.db", tmp_path / "m.db")
    settings = settings_for(tmp_path / "docs", tmp_path / "m.db")
    store = Store.open(settings.store)
    yield Shelf(Folder(tmp_path / "docs"), settings, store, ScriptedEmbedder())
    store.close()
