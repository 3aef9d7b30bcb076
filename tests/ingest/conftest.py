"""One Milvus Lite file for the tests of the write path; each library in it has collections of its own."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from ingest.backup import export_backup
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.store.store import Store
from tests.kit.corpus import BASE, Folder, Library, MakeLibrary, settings_for
from tests.kit.raw_rows import WatchedMilvus


@pytest.fixture(scope="session")
def builtin() -> BuiltinEmbedder:
    return BuiltinEmbedder()


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedMilvus]:
    milvus = WatchedMilvus(str(tmp_path_factory.mktemp("ingest") / "m.db"))
    yield milvus
    milvus.close()


@pytest.fixture(scope="session")
def make_library(milvus: WatchedMilvus, tmp_path_factory: pytest.TempPathFactory) -> MakeLibrary:
    """Makes a library of a folder, a new one by default, in collections of its own; other options are settings."""
    numbers = itertools.count(1)

    def make(
        root: Path | None = None, *, mode: Literal["hybrid", "dense"] = "hybrid", batch_size: int = 4, keep: int = 1
    ) -> Library:
        folder, collection = Folder(root or tmp_path_factory.mktemp("docs")), f"library{next(numbers)}"
        settings = settings_for(
            folder.root, milvus.uri, collection=collection, keep=keep, mode=mode, batch_size=batch_size
        )
        return Library(folder, settings, Store(milvus, collection=collection))

    return make


@pytest.fixture(scope="session")
def kept_library(make_library: MakeLibrary) -> Library:
    return make_library()


@pytest.fixture
def library(kept_library: Library) -> Library:
    """The documents of BASE, ingested; the store has generations before that."""
    for path in kept_library.folder.root.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for source, text in BASE.items():
        kept_library.folder.write(source, text)
    kept_library.begin_to_count()
    kept_library.ingest(allow_mass_deletion=True, force=True)
    kept_library.begin_to_count()
    return kept_library


@pytest.fixture
def new_library(make_library: MakeLibrary) -> Library:
    """The documents of BASE, not ingested yet."""
    library = make_library()
    for source, text in BASE.items():
        library.folder.write(source, text)
    library.begin_to_count()
    return library


@pytest.fixture
def backup(library: Library, tmp_path: Path) -> Path:
    """A backup of `library`."""
    path = tmp_path / "backup.parquet"
    export_backup(library.store, path)
    return path
