"""A folder with several knowledge bases, and services over them."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ingest.staging.report import IngestReport
from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import KnowledgeBases
from rag.wiring import Services
from tests.kit.corpus import Folder, settings_for
from tests.kit.processes import Workspace
from tests.kit.shared_folder import shared_folder

Texts = Mapping[str, Mapping[str, str | bytes]]
"""Documents by their knowledge base and path."""
HANDBOOK = "handbook"
PRODUCTS = "products"
DEFAULT_TEXTS = {"README.md": "# Harbour\n\nThe harbour pilot boards at buoy seven.\n"}
HANDBOOK_TEXTS = {
    "README.md": "# Leave\n\nEvery employee has fifteen days of annual leave.\n",
    "travel.md": "# Travel\n\n| Grade | Hotel |\n|---|---|\n| Clerk | 400 |\n| Manager | 600 |\n",
}
PRODUCTS_TEXTS = {
    "README.md": "# Falcon\n\nThe Falcon router has four ports.\n\nIts warranty lasts 36 months.\n",
    "travel.md": "# Cases\n\n| Case | Weight |\n|---|---|\n| Small | 2 kg |\n| Large | 3 kg |\n",
}
CONFIG = f"""\
knowledge_bases:
  {HANDBOOK}:
    path: {HANDBOOK}
    title: 员工手册
    context: The rules for employees
  {PRODUCTS}:
    path: {PRODUCTS}
"""


def write_folders(place: Path) -> None:
    """Write `knowledge`, `handbook` and `products`, and a `config.yaml` that declares the last two."""
    _write(place, {"knowledge": DEFAULT_TEXTS, HANDBOOK: HANDBOOK_TEXTS, PRODUCTS: PRODUCTS_TEXTS})
    (place / "config.yaml").write_text(CONFIG, encoding="utf-8")


def ingested_workspace(factory: pytest.TempPathFactory, place: Path) -> Workspace:
    """Copy what `write_folders` writes to a folder, with an index of all three knowledge bases."""
    shutil.copytree(shared_folder(factory, "several", _ingest_folders), place, dirs_exist_ok=True)
    return Workspace(place)


def _ingest_folders(folder: Path) -> None:
    write_folders(folder)
    outcome = Workspace(folder).run("ingest", "--kb", "all", "--json", timeout=240)
    assert outcome.status == 0, outcome
    assert {name: report["generation"] for name, report in outcome.json.items()} == {
        "default": 1,
        "handbook": 1,
        "products": 1,
    }


@contextmanager
def several(place: Path, texts: Texts, **sections: object) -> Iterator[Services]:
    """Write a folder for each name, `default` among them, and open services over them; nothing is ingested.

    `sections` are further sections of the settings.
    """
    _write(place, texts)
    others = {name: {"path": place / name} for name in texts if name != "default"}
    sections["knowledge_bases"] = KnowledgeBases.model_validate(others)
    settings = settings_for(place / "default", place / "m.db").model_copy(update=sections)
    with Services(settings, embedder=ScriptedEmbedder()) as services:
        yield services


def reopened(place: Path, names: Iterable[str]) -> AbstractContextManager[Services]:
    """Open services over the folders and the index that `several` made."""
    return several(place, {name: {} for name in names})


def ingest_in_child(place: Path, names: Sequence[str], name: str, failpoint: str, connection: Connection) -> None:
    """Ingest one of the knowledge bases in this process, which a failpoint kills."""
    os.environ["ZHIWEN_FAILPOINT"] = failpoint
    with reopened(place, names) as services:
        connection.send(ingest_one(services, name).generation)


def _write(place: Path, texts: Texts) -> None:
    for name, documents in texts.items():
        for source, text in documents.items():
            Folder(place / name).write(source, text)


def ingest_one(services: Services, name: str) -> IngestReport:
    """Ingest one knowledge base."""
    chosen = services.of(name)
    return ingest(chosen.settings, chosen.store, chosen.embedder)


def ingest_all(services: Services) -> None:
    """Ingest every knowledge base."""
    for name in services.knowledge_bases:
        assert ingest_one(services, name).ok
