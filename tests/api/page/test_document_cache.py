"""A document is rendered once for all readers, and a kept rendering never outlives its document."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from api.page.document_cache import DocumentCache
from ingest.live_documents import LiveDocument, load_live_document
from ingest.sync import ingest
from rag.settings import KnowledgeSettings, Settings, StoreSettings, TraceSettings
from rag.wiring import Services
from tests.kit.processes import Server, Workspace

PAGE = {"Accept": "text/html"}
# Few chunks to embed, but much to render.
LARGE = "\n\n".join(f"{number} " + "*a* `b` **c** [d](e.md) " * 3 for number in range(200))


def test_a_large_document_is_rendered_while_others_are_answered_and_reads_the_same_the_next_time(
    workspace: Workspace,
) -> None:
    workspace.write("large.md", f"# Large\n\n{LARGE}\n")
    with workspace.serving() as server:
        assert server.ingest()["error"] is None
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(page, server, "/docs/large.md")
            answered = 0
            while not reading.done():
                answered += server.client.get("/health/live").status_code == 200
        first = reading.result()
        assert answered > 5, "the event loop was held up"
        assert "199 <em>a</em>" in first
        assert page(server, "/docs/large.md") == first
        assert "cited" in page(server, "/docs/large.md?lines=3-5")
        assert "cited" not in first


def test_a_kept_rendering_is_not_shown_after_its_document_has_changed(workspace: Workspace) -> None:
    file = workspace.write("news.md", "# News\n\nThe tide is low.\n")
    with workspace.serving() as server:
        assert server.ingest()["error"] is None

        def shown() -> str:
            return server.client.get("/documents/news.md").json()["html"]

        assert "The tide is low." in shown()
        assert "The tide is low." in shown()
        assert server.client.get("/documents/news.md").json()["rebuilt"] is False
        file.write_text("# News\n\nThe tide is high.\n")
        changed = server.client.get("/documents/news.md").json()
        assert changed["rebuilt"] is True, "the generation still has the old text"
        assert "The tide is low." in changed["html"]
        assert server.ingest()["error"] is None
        assert "The tide is high." in shown()
        assert server.client.post("/rollback").status_code == 200
        assert "The tide is low." in shown()


def page(server: Server, path: str) -> str:
    with httpx2.Client(base_url=server.url, timeout=120, trust_env=False, headers=PAGE) as client:
        response = client.get(path)
    assert response.status_code == 200
    return response.text


def test_at_most_max_bytes_are_kept_and_the_least_recently_read_goes_first(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.md").write_text(f"# {name}\n\n" + "The tide is low. " * 100)
    settings = Settings(
        knowledge=KnowledgeSettings(path=folder),
        store=StoreSettings(uri=str(tmp_path / "m.db")),
        traces=TraceSettings(enabled=False),
    )
    with Services(settings) as services:
        ingest(settings, services.store, services.embedder)
        snapshot = services.store.snapshot()

        def found(name: str) -> LiveDocument:
            return load_live_document(f"{name}.md", snapshot, settings.knowledge)

        kept = DocumentCache(max_bytes=7_500)  # two of them
        a, b = kept.render(found("a")), kept.render(found("b"))
        assert kept.render(found("a")) is a
        c = kept.render(found("c"))
        assert kept.render(found("a")) is a
        assert kept.render(found("c")) is c
        assert kept.render(found("b")) is not b
        assert kept.render(found("b")).html == b.html
        none = DocumentCache(max_bytes=1000)
        assert none.render(found("a")) is not none.render(found("a"))

        (folder / "short.md").write_text("x\n")
        ingest(settings, services.store, services.embedder)
        short = load_live_document("short.md", services.store.snapshot(), settings.knowledge)
        small = DocumentCache(max_bytes=50_000)
        for line in range(1, 100):
            small.render(short, lines=range(line, line + 1))
        assert 1 < len(small._documents) < 50, "each way to ask for a short document counts with all that it takes"
