"""Indexes that earlier versions wrote, from tests/fixtures/old_indexes, ready to be opened."""

import json
import lzma
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.wiring import open_store
from tests.kit.corpus import Folder, Library, library_in, settings_for
from tests.kit.paths import ROOT

OLD_INDEXES = ROOT / "tests" / "fixtures" / "old_indexes"
SCHEMAS = (1, 2)
BACKUP = OLD_INDEXES / "schema_2.parquet"
RECUT = 5
"""How many texts of the documents are cut differently today: front matter is found, and code is fenced."""


@contextmanager
def old_library(schema: int, folder: Path) -> Iterator[Library]:
    """An index of this version of the schema with its documents, copied into `folder` and opened."""
    database = folder / "m.db"
    database.write_bytes(lzma.decompress((OLD_INDEXES / f"schema_{schema}.db.xz").read_bytes()))
    shutil.copytree(OLD_INDEXES / "docs", folder / "docs")
    with open_store(settings_for(folder / "docs", database)) as store:
        yield library_in(store, Folder(folder / "docs"))


def seen_by_its_writer(schema: int) -> list[list[str]]:
    """The pictures of its two generations that the code that wrote it took, the live one last."""
    pictures: list[list[str]] = json.loads(lzma.decompress((OLD_INDEXES / f"schema_{schema}.json.xz").read_bytes()))
    return pictures
