"""An ingest of a web site: what is cited leads to its page, and a site that is not itself loses nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import SourceError
from rag.published_url import PassageUrls
from rag.settings import KnowledgeSettings
from tests.kit.corpus import Library, MakeLibrary
from tests.kit.site_server import Site, site_server

pytest.importorskip("protego", reason="protego is not installed; the extra web has it")

PAGES = tuple(f"/p{number}.md" for number in range(12))


@pytest.fixture
def site() -> Iterator[Site]:
    with site_server() as site:
        yield site


@pytest.fixture
def library(make_library: MakeLibrary, site: Site, tmp_path: Path) -> Library:
    library = make_library()
    knowledge = KnowledgeSettings(
        web_url=f"{site.url}/sitemap.xml", web_pause_seconds=0, path=tmp_path / "sources" / "default-1"
    )
    return replace(library, settings=library.settings.model_copy(update={"knowledge": knowledge}))


def test_a_citation_leads_to_the_place_on_the_page_and_a_change_is_found(library: Library, site: Site) -> None:
    html = '<title>Rules</title><nav>Menu</nav><main><h2 id="leave">Leave</h2><p>Leave is crimson.</p></main>'
    site.page("/hr/Rules?v=2", html, "text/html")
    site.page("/b.md", "---\nurl: https://other.example.com/\n---\n# Bread\n\nBread is baked.\n")
    site.sitemap("/hr/Rules?v=2", "/b.md", "/gone.md")
    report = library.ingest()
    assert report.ok
    assert {warning.source: warning.warning for warning in report.warnings} == {
        f"{site.url}/gone.md": "passed over: it is gone (404)"
    }
    addresses = {chunk.content: PassageUrls().of(chunk) for chunk in library.chunks()}
    assert addresses["Leave is crimson."] == f"{site.url}/hr/Rules?v=2#leave"
    assert addresses["Bread is baked."] == f"{site.url}/b.md#bread"
    assert {chunk.title for chunk in library.chunks()} == {"Rules", "Bread"}
    assert not any("Menu" in content for content in addresses)
    site.page("/hr/Rules?v=2", html.replace("crimson", "scarlet"), "text/html")
    assert library.ingest().documents.changed == 1
    assert "Leave is scarlet." in {chunk.content for chunk in library.chunks()}


def test_a_site_that_lists_only_a_few_of_its_pages_loses_none_unless_that_is_allowed(
    library: Library, site: Site
) -> None:
    for number, path in enumerate(PAGES):
        site.page(path, f"# {number}\n\nText {number}.\n")
    site.sitemap(*PAGES)
    library.ingest()
    site.sitemap("/p0.md")
    assert library.ingest().deletions_held_back == 11
    before = library.live()
    assert len(library.chunks()) == 12
    site.sitemap()
    with pytest.raises(SourceError, match="names no page"):
        library.ingest(allow_mass_deletion=True)
    assert library.live() == before
