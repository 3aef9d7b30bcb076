"""A document is rendered once for all readers, and a kept rendering never outlives its document."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.http.request_path import RequestPathMiddleware
from api.page.document_cache import DocumentCache
from api.page.document_routes import add_documents
from ingest.document_process import DocumentProcess
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


@dataclass(frozen=True, slots=True)
class Library:
    services: Services

    def document(self, name: str) -> LiveDocument:
        return load_live_document(f"{name}.md", self.services.store.snapshot(), self.services.settings.knowledge)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Documents that are ingested with more time than they are rendered with."""
    folder = tmp_path_factory.mktemp("shelf")
    texts = {
        "links": "# T {#top}\n\none [here](#top)\n\ntwo [there](a.md)\n\n![p](p.png)\n",
        # The parser takes a tenth of a millisecond for each bracket.
        "traps": f"# Traps {{#own}}\n\nbefore\n\n{'[' * 9000}\n\n## Deep\n\n- an item\n\n| a |\n|---|\n| last |\n",
        **{name: f"# {name}\n\n" + "The tide is low. " * 100 for name in "abc"},
    }
    knowledge = folder / "knowledge"
    knowledge.mkdir()
    for name, text in texts.items():
        (knowledge / f"{name}.md").write_text(text)
    settings = Settings(
        knowledge=KnowledgeSettings(path=knowledge, max_seconds_per_document=120),
        store=StoreSettings(uri=str(folder / "m.db")),
        traces=TraceSettings(enabled=False),
    )
    with Services(settings) as services:
        report = ingest(settings, services.store, services.embedder)
        assert report.ok
        yield Library(services)


@contextmanager
def cache(*, max_seconds: float = 120, max_bytes: int = 1_000_000) -> Iterator[DocumentCache]:
    documents = DocumentCache(max_seconds=max_seconds, max_bytes=max_bytes)
    try:
        yield documents
    finally:
        documents.close()


@contextmanager
def client(library: Library, documents: DocumentCache) -> Iterator[TestClient]:
    """A client of an application that has nothing but documents."""
    app = FastAPI()
    app.add_middleware(RequestPathMiddleware, public_url="")
    add_documents(app, library.services, documents, is_open=True)
    with TestClient(app) as opened:
        yield opened


@pytest.fixture
def renderings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources of the documents that were rendered."""
    sources: list[str] = []
    call = DocumentProcess.call

    def note(self: DocumentProcess[object], source: str, *arguments: object) -> object:
        sources.append(source)
        return call(self, source, *arguments)

    monkeypatch.setattr(DocumentProcess, "call", note)
    return sources


def test_nothing_that_readers_choose_lets_a_document_be_rendered_again(shelf: Library, renderings: list[str]) -> None:
    with cache() as documents, client(shelf, documents) as reader:
        for line in range(1, 9):
            cited = reader.get(f"/docs/links.md?lines={line}").text
            assert ('id="passage">two' in cited) == (line == 5)
            assert ('<h1 id="top"><span class="cited" id="passage">T' in cited) == (line == 1)
        for prefix in ("", "/kb", "/x/y"):
            headers = {"X-Forwarded-Prefix": prefix}
            page = reader.get("/docs/links.md?lines=5", headers=headers).text
            assert f'<a href="{prefix}/docs/a.md" rel' in page
            assert f'<img src="{prefix}/pictures/p.png"' in page
            assert '<h1 id="top">' in page
            assert '<a href="#top" rel' in page
            html = reader.get("/documents/links.md?lines=5", headers=headers).json()["html"]
            assert f'<a href="{prefix}/docs/a.md" rel' in html
            assert '<p class="cited" id="doc-passage">two' in html
            assert '<h1 id="doc-top">' in html
            assert '<a href="#doc-top" rel' in html
    assert renderings == ["links.md"]


def test_readers_who_want_the_same_document_wait_for_one_rendering(shelf: Library, renderings: list[str]) -> None:
    async def read(documents: DocumentCache) -> None:
        found = shelf.document("a")
        shown = await asyncio.gather(*(documents.show(found) for _ in range(20)))
        assert all(each is shown[0] for each in shown)

    with cache() as documents:
        asyncio.run(read(documents))
    assert renderings == ["a.md"]


def test_a_document_that_cannot_be_rendered_in_time_is_plain_text_with_all_of_its_words_and_says_so(
    shelf: Library, renderings: list[str]
) -> None:
    with cache(max_seconds=0.1) as documents, client(shelf, documents) as reader:
        body = reader.get("/documents/traps.md?lines=3").json()
        assert (body["plain"], body["rebuilt"]) == (True, False)
        text = unescape(re.sub("<[^>]*>", "", body["html"]))
        assert text.count("[") == 9000
        for words in ("Traps", "before", "Deep", "- an item", "| a |\n|---|\n| last |"):
            assert words in text
        assert '<h1 id="doc-own">Traps</h1>' in body["html"]
        assert '<pre class="plain cited" id="doc-passage"><code>before' in body["html"]
        assert [section["anchor"] for section in body["sections"]] == ["own", "deep"]
        page = reader.get("/docs/traps.md").text
        assert '<p class="note"  data-i18n="plain">' in page
        assert '<p class="note" hidden data-i18n="rebuilt">' in page
    assert renderings == ["traps.md"], "it is not tried again"


def test_a_document_that_is_nested_too_deeply_to_be_rendered_is_plain_text(shelf: Library) -> None:
    with cache() as documents:
        shown = asyncio.run(documents.show(replace(shelf.document("a"), content=b">" * 5000 + b" deep\n")))
    assert shown.is_plain
    assert "The tide is low." in shown.rendered.html()


def test_at_most_max_bytes_are_kept_and_the_least_recently_read_goes_first(shelf: Library) -> None:
    async def read() -> None:
        a, b, c = map(shelf.document, "abc")
        with cache(max_bytes=8_500) as kept:  # two of them
            first, second = await kept.show(a), await kept.show(b)
            assert await kept.show(a) is first
            third = await kept.show(c)
            assert await kept.show(a) is first
            assert await kept.show(c) is third
            again = await kept.show(b)
            assert again is not second
            assert len(again.rendered.html()) == len(second.rendered.html())
        with cache(max_bytes=1000) as none:
            assert await none.show(a) is not await none.show(a)

    asyncio.run(read())
