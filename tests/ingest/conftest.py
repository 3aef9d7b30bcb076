"""One Milvus Lite file for the tests of the write path; each library in it has collections of its own."""

import itertools
import shutil
from collections.abc import Iterator

import pytest

from rag import config
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.store.store import Store
from tests.kit.library import BASE, Library, LibraryMaker, WatchedMilvus


@pytest.fixture(scope="session")
def builtin() -> BuiltinEmbedder:
    return BuiltinEmbedder()


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedMilvus]:
    milvus = WatchedMilvus(str(tmp_path_factory.mktemp("ingest") / "m.db"))
    yield milvus
    milvus.close()


@pytest.fixture(scope="session")
def make_library(milvus: WatchedMilvus, tmp_path_factory: pytest.TempPathFactory) -> LibraryMaker:
    """An empty library; keyword arguments are settings as in the environment: `retrieval__mode="dense"`."""
    numbers = itertools.count(1)

    def make(**settings: str) -> Library:
        root = tmp_path_factory.mktemp("docs")
        name = f"library{next(numbers)}"
        environment = {
            "ZHIWEN_KNOWLEDGE__PATH": str(root),
            "ZHIWEN_STORE__URI": milvus.uri,
            "ZHIWEN_STORE__COLLECTION": name,
            "ZHIWEN_EMBEDDING__BATCH_SIZE": "4",
            **{f"ZHIWEN_{key.upper()}": value for key, value in settings.items()},
        }
        return Library(root, config.load(environment=environment), milvus, Store(milvus, collection=name))

    return make


@pytest.fixture(scope="session")
def shelf(make_library: LibraryMaker) -> Library:
    return make_library()


@pytest.fixture
def library(shelf: Library) -> Library:
    """The documents of BASE, ingested; the store has generations before that."""
    for path in shelf.root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for source, text in BASE.items():
        shelf.write(source, text)
    shelf.watch()
    shelf.ingest(allow_mass_deletion=True, force=True)
    shelf.watch()
    return shelf


@pytest.fixture
def new_library(make_library: LibraryMaker) -> Library:
    """The documents of BASE, not ingested yet."""
    library = make_library()
    for source, text in BASE.items():
        library.write(source, text)
    library.watch()
    return library
