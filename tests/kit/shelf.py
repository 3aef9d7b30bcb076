"""A knowledge folder with good documents, in which tests put bad ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.staging.plan import Plan
from ingest.staging.report import IngestReport, Progress
from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.retrieval.search import retrieve
from rag.settings import Settings
from rag.store.store import Store
from rag.types import Chunk
from tests.kit.corpus import Folder, settings_for


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder with an open store, into which its good documents have been ingested; tests overwrite the bad ones."""

    folder: Folder
    settings: Settings
    store: Store
    embedder: ScriptedEmbedder

    def ingest(
        self,
        *,
        on_plan: Callable[[Plan], object] = lambda plan: None,
        on_progress: Callable[[Progress], object] = lambda progress: None,
        **knowledge: float,
    ) -> IngestReport:
        settings = self.settings.model_copy(
            update={"knowledge": self.settings.knowledge.model_copy(update=knowledge)},
        )
        return ingest(settings, self.store, self.embedder, on_plan=on_plan, on_progress=on_progress)

    def find(self, words: str) -> list[Chunk]:
        """What a search for these words finds that holds them all."""
        found = retrieve(words, self.store.snapshot(), self.embedder, self.settings.retrieval, top_k=200)
        return [hit.chunk for hit in found.hits if words in hit.chunk.content]

    def sources(self, words: str) -> set[str]:
        return {chunk.source for chunk in self.find(words)}

    def edit_neighbours(self) -> None:
        """A change and an addition that the next ingest has to take in."""
        self.folder.write("good.md", "# Good\n\nThe heron nests in April.\n")
        self.folder.write("new.md", "# New\n\nThe stork arrives in May.\n")

    def assert_neighbours_arrived(self) -> None:
        assert self.sources("heron nests in April") == {"good.md"}
        assert self.sources("heron nests in March") == set()
        assert self.sources("stork arrives") == {"new.md"}

    def assert_old_version_answers(self) -> None:
        [chunk] = self.find("otter sleeps in the boathouse")
        assert (chunk.source, chunk.start_line) == ("bad.md", 3)
        assert self.sources("badger digs under the church") == {"bad.html"}


def ingest_good_documents(place: Path) -> None:
    """Write `good.md`, `bad.md` and `bad.html` below `place`/docs and ingest them into `place`/m.db."""
    folder = Folder(place / "docs")
    folder.write("good.md", "# Good\n\nThe heron nests in March.\n")
    folder.write("bad.md", "# Bad\n\nThe otter sleeps in the boathouse.\n")
    folder.write("bad.html", "<h1>Bad</h1>\n<p>The badger digs under the church.</p>\n")
    settings = settings_for(folder.root, place / "m.db")
    store = Store.open(settings.store)
    assert ingest(settings, store, ScriptedEmbedder()).ok
    store.close()
