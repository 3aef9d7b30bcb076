"""A knowledge folder with a secret beside it, and a store to ingest it into."""

from dataclasses import dataclass

from ingest.files.scan import File, scan
from ingest.staging.report import IngestReport
from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import Settings
from rag.store.store import Store
from tests.kit.corpus import Folder
from tests.kit.pictures import dump

MARKDOWN = ("*.md",)
ANY_SIZE = 1_000_000
HIDDEN = "# Secret\n\nThe passphrase is kingfisher.\n"


def found(folder: Folder, *include: str, exclude: tuple[str, ...] = (), gitignore: bool = True) -> list[str]:
    scanned = scan(folder.root, include=include or MARKDOWN, exclude=exclude, gitignore=gitignore)
    return [file.source for file in scanned.files]


def file_of(folder: Folder, source: str) -> File:
    [file] = [file for file in scan(folder.root, include=MARKDOWN).files if file.source == source]
    return file


@dataclass(frozen=True, slots=True)
class ConfinedFolder:
    folder: Folder
    settings: Settings
    store: Store

    def ingest(self) -> IngestReport:
        return ingest(self.settings, self.store, ScriptedEmbedder())

    def everything(self) -> str:
        return "\n".join(dump(self.store))
