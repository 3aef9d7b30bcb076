"""The front matter of all documents of each generation."""

from pathlib import Path

from ingest.sync import ingest
from rag.settings import KnowledgeSettings, Settings, StoreSettings
from rag.store.document_metadata import DocumentMetadataCache
from rag.store.snapshot import Snapshot
from rag.wiring import Services


def test_each_generation_has_its_own_and_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    settings = Settings(
        knowledge=KnowledgeSettings(path=folder),
        store=StoreSettings(uri=str(tmp_path / "m.db")),
    )
    (folder / "b.md").write_text("---\ntags: [hr, 3]\n---\n\n# Bees\n\nBees fly.\n\n## More\n\nThey do.\n")
    (folder / "a.md").write_text("# Ants\n\nAnts walk.\n")
    front_matter = DocumentMetadataCache()

    def facts(snapshot: Snapshot) -> list[tuple[str, str, object]]:
        return [(one.source, one.title, one.metadata.get("tags")) for one in front_matter.of(snapshot)]

    with Services(settings) as services:
        ingest(settings, services.store, services.embedder)
        first = services.store.snapshot()
        assert facts(first) == [("a.md", "Ants", None), ("b.md", "Bees", ["hr", 3])]
        assert front_matter.of(services.store.snapshot()) is front_matter.of(first)
        (folder / "a.md").write_text("---\ntags: it\n---\n\n# Ants\n\nAnts walk.\n")
        ingest(settings, services.store, services.embedder)
        assert facts(services.store.snapshot()) == [("a.md", "Ants", "it"), ("b.md", "Bees", ["hr", 3])]
        assert facts(first) == [("a.md", "Ants", None), ("b.md", "Bees", ["hr", 3])]
