"""Folders of documents, and a library: a folder with a store and an embedder, all of them real."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ingest.staging.plan import OnPlan
from ingest.staging.report import IngestReport, OnProgress
from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.retrieval.search import retrieve
from rag.settings import EmbeddingSettings, KnowledgeSettings, RetrievalSettings, Settings, StoreSettings
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.store.term_statistics import TermStatistics
from rag.types import Chunk
from tests.kit.pictures import clean_picture, difference, dump, without_times
from tests.kit.raw_rows import another_store, watched

NAMES = ("harbour", "lantern", "orchard", "quarry", "saddle", "tannery", "viaduct", "windmill")
NOT_TEXT = b"# \x81\x20\xff\xff\n\nneither UTF-8 nor GB18030 \x80\xff\n"

BASE = {
    "a.md": "# Apples\n\nApples are red.\n\n## Storage\n\nKeep apples cool.\n\n- in a cellar\n- in a box\n",
    "b.md": "# Bread\n\nBread is baked.\n\n| Kind | Flour |\n|---|---|\n| Rye | dark |\n| Wheat | white |\n",
    "c.md": "# Cheese\n\nCheese is made of milk.\n\n```python\ncheese = milk + rennet\n```\n",
    "sub/d.md": "# 向量数据库\n\nMilvus 是一个向量数据库。\n\n## 部署\n\n使用 Docker 部署。\n",
    "sub/e.md": "# Empty but for this\n\nNothing much.\n",
    "f.md": "# Figs\n\nFigs are sweet.\n",
}
"""Six small documents of several kinds, by source."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of documents."""

    root: Path

    def write(self, source: str, text: str | bytes) -> None:
        path = self.root / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def edit(self, source: str, old: str, new: str) -> None:
        """Replace the first `old` in a document."""
        text = (self.root / source).read_text(encoding="utf-8")
        assert old in text, f"{source} does not hold {old!r}"
        self.write(source, text.replace(old, new, 1))

    def rename(self, source: str, target: str) -> None:
        (self.root / target).parent.mkdir(parents=True, exist_ok=True)
        (self.root / source).rename(self.root / target)

    def delete(self, source: str) -> None:
        (self.root / source).unlink()

    def touch(self, source: str) -> None:
        """Give the same bytes another time of modification."""
        path = self.root / source
        path.write_bytes(path.read_bytes())
        later = path.stat().st_mtime_ns + 1_000_000_000
        os.utime(path, ns=(later, later))

    def sources(self) -> list[str]:
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*.md"))


def document(name: str, *, paragraphs: int = 3, table: bool = False, note: str = "") -> str:
    """A document whose every paragraph and row holds words of its own, such as `harbour3`."""
    lines = ["---", f"title: About {name}", "level: 2", "---", "", f"# {name}", ""]
    for number in range(paragraphs):
        lines += [
            f"## Part {number}",
            "",
            f"The {name} has a word {name}{number} here. 第{number}段说的是{name}。{note}",
            "",
        ]
    if table:
        lines += ["| Component | Port |", "|---|---|"]
        lines += [f"| {name}row{number} | {7000 + number} |" for number in range(3)]
    return "\n".join(lines) + "\n"


def write_small_corpus(root: Path) -> Folder:
    """Write eight documents, three of them with tables, one in a folder of its own."""
    folder = Folder(root)
    for number, name in enumerate(NAMES):
        source = f"guides/{name}.md" if number == 7 else f"{name}.md"
        folder.write(source, document(name, table=number % 3 == 0))
    return folder


def change_everything_a_little(folder: Folder) -> None:
    """Add, edit (one of the edits is in a table), delete and rename documents of the small corpus."""
    folder.write("beacon.md", document("beacon", table=True))
    folder.write("guides/chapel.md", document("chapel"))
    folder.edit("harbour.md", "harbour1", "harbour1changed")
    folder.edit("harbour.md", "harbourrow1", "harbourrow1changed")
    folder.edit("lantern.md", "## Part 0", "New first paragraph of the lantern.\n\n## Part 0")
    folder.edit("guides/windmill.md", "windmill2", "windmill2changed")
    folder.delete("orchard.md")
    folder.rename("quarry.md", "guides/quarry.md")


def settings_for(
    root: Path,
    database: str | Path,
    *,
    collection: str = "zhiwen",
    keep: int = 1,
    mode: Literal["hybrid", "dense"] = "hybrid",
    batch_size: int = 4,
) -> Settings:
    """Settings for a folder and a database; small batches, so that one ingest writes many times."""
    return Settings(
        knowledge=KnowledgeSettings(path=root),
        embedding=EmbeddingSettings(batch_size=batch_size),
        retrieval=RetrievalSettings(mode=mode),
        store=StoreSettings(uri=str(database), collection=collection, keep_generations=keep),
    )


@dataclass(slots=True)
class Library:
    """A folder of documents, its store and an embedder, in this process."""

    folder: Folder
    settings: Settings
    store: Store
    embedder: ScriptedEmbedder = field(default_factory=ScriptedEmbedder)

    def ingest(
        self,
        *,
        embedder: ScriptedEmbedder | None = None,
        verify: bool = False,
        allow_mass_deletion: bool = False,
        force: bool = False,
        on_plan: OnPlan = lambda plan: None,
        on_progress: OnProgress = lambda progress: None,
    ) -> IngestReport:
        """Ingest the folder; the options are those of `ingest.sync.ingest`."""
        return ingest(
            self.settings,
            self.store,
            embedder or self.embedder,
            verify=verify,
            allow_mass_deletion=allow_mass_deletion,
            force=force,
            on_plan=on_plan,
            on_progress=on_progress,
        )

    def begin_to_count(self) -> None:
        """Count embeddings and writes from 0, and let none of them fail. Needs a `WatchedMilvus`."""
        self.embedder.calls = self.embedder.fails_at_call = 0
        self.embedder.texts.clear()
        watched(self.store).begin_to_count()

    @property
    def writes(self) -> int:
        """Writes of the store since `begin_to_count`."""
        return watched(self.store).writes

    def refuse_write(self, number: int) -> None:
        """Let the store fail at its write of this number; 0 is none."""
        watched(self.store).refuses_write = number

    def live(self) -> list[str]:
        """The picture of the live generation."""
        return dump(self.store)

    def assert_clean(self) -> None:
        """The store shows what a first ingest of the folder as it is would give."""
        expected = clean_picture(self.folder.root, self.settings, self.embedder)
        assert not difference(without_times(self.live()), without_times(expected))
        # What this process keeps of a generation is what another one reads.
        assert self.store.snapshot().statistics == another_store(self.store).snapshot().statistics

    def statistics(self) -> TermStatistics:
        """How many chunks of the live generation hold each term."""
        return self.store.snapshot().statistics

    def chunks(self) -> list[Chunk]:
        """The chunks of the live generation, in order."""
        return sorted(self.store.snapshot().chunks(), key=lambda chunk: (chunk.source, chunk.position))

    def texts(self) -> set[str]:
        return {chunk.content for chunk in self.chunks()}

    def sources_with(self, word: str, snapshot: Snapshot | None = None) -> set[str]:
        """The documents that a search for the word finds."""
        found = (snapshot or self.store.snapshot()).search_terms([word], limit=100)
        return {stored.chunk.source for stored, _ in found}

    def sources_answering(self, question: str, snapshot: Snapshot | None = None) -> set[str]:
        """The documents among all hits for the question."""
        found = retrieve(question, snapshot or self.store.snapshot(), self.embedder, self.settings.retrieval, top_k=100)
        return {hit.chunk.source for hit in found.hits}


MakeLibrary = Callable[..., Library]
"""The fixture `make_library` of tests/ingest."""


def library_in(store: Store, folder: Folder, *, keep: int = 1) -> Library:
    """A library of a folder in an open store."""
    return Library(folder, settings_for(folder.root, store.uri, collection=store.collection, keep=keep), store)
