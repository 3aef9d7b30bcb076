"""A document is rendered once for all who read it, and what is kept never outlives what it shows."""

import threading
import time
from pathlib import Path

import httpx2

from api.page.document_cache import DocumentCache
from ingest.live_documents import LiveDocument, load_live_document
from ingest.sync import ingest
from rag.settings import KnowledgeSettings, Settings, StoreSettings, TraceSettings
from rag.wiring import Services
from tests.kit.processes import Server, Workspace

PAGE = {"Accept": "text/html"}
# Little to embed, and much to render.
LARGE = "\n\n".join(f"{number} " + "*a* `b` **c** [d](e.md) " * 3 for number in range(500))


def test_who_reads_a_large_document_next_gets_it_at_once_and_nobody_waits_for_its_rendering(
    workspace: Workspace,
) -> None:
    workspace.write("large.md", f"# Large\n\n{LARGE}\n")
    with workspace.serving() as server:
        assert server.ingest()["error"] is None
        slow: list[tuple[float, httpx2.Response]] = []
        reading = threading.Thread(target=lambda: slow.append(timed(server, "/docs/large.md")))
        reading.start()
        waits = []
        while reading.is_alive():
            waits.append(timed(server, "/health/live")[0])
        reading.join()
        [(first_seconds, first)] = slow
        again_seconds, again = min((timed(server, "/docs/large.md") for _ in range(3)), key=lambda each: each[0])
        assert again.text == first.text
        assert "499 <em>a</em>" in again.text
        assert again_seconds < first_seconds / 5
        assert max(waits) < first_seconds / 2, "the event loop was not held up"

        marked = server.client.get("/docs/large.md?lines=3-5", headers=PAGE)
        assert "cited" in marked.text
        assert "cited" not in again.text


def test_what_is_kept_is_not_shown_once_the_document_is_another(workspace: Workspace) -> None:
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


def timed(server: Server, path: str) -> tuple[float, httpx2.Response]:
    started = time.perf_counter()
    with httpx2.Client(base_url=server.url, timeout=60, trust_env=False, headers=PAGE) as client:
        response = client.get(path)
    assert response.status_code == 200
    return time.perf_counter() - started, response


def test_no_more_is_kept_than_there_is_room_for_and_what_was_read_last_stays(tmp_path: Path) -> None:
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

        kept = DocumentCache(max_bytes=4_500)  # two of them
        a, b = kept.render(found("a")), kept.render(found("b"))
        assert kept.render(found("a")) is a
        c = kept.render(found("c"))
        assert kept.render(found("a")) is a
        assert kept.render(found("c")) is c
        assert kept.render(found("b")) is not b
        assert kept.render(found("b")).html == b.html
        none = DocumentCache(max_bytes=1000)
        assert none.render(found("a")) is not none.render(found("a"))
