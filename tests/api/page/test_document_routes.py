"""Documents as pages: a citation leads to its passage, and nothing else is readable."""

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from api.page.document_html import line_range, render_document
from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from ingest.rebuilt_document import rebuild_document
from rag.document_url import document_url
from rag.store.records import DocumentRecord
from tests.kit.paths import ROOT
from tests.kit.processes import Server, assert_json_error

PAGE = {"Accept": "text/html,application/xhtml+xml"}
KNOWLEDGE = ROOT / "knowledge"


class Marked(HTMLParser):
    """The text of the elements with the class `cited`, and every id in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.cited: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in values.items()]
        if "id" in values:
            self.ids.append(values["id"])
        if tag in ("br", "hr"):
            return
        self._open.append("cited" in values.get("class", "").split())
        if self._open[-1]:
            self.cited.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("br", "hr"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if any(self._open):
            self.cited[-1] += data


def rendered(text: str, lines: str = "", source: str = "guides/a.md") -> Marked:
    return Marked(render_document(parse_document(source, text.encode())).html(line_range(lines)))


# Over HTTP


def test_a_citation_leads_to_its_row_marked_in_the_rendered_document(server: Server) -> None:
    answer = server.post("/ask", question="向量数据库有哪些知名组件？").json()
    citation = answer["citations"][0]
    address = document_url(citation["source"], range(citation["start_line"], citation["end_line"] + 1))
    response = server.client.get(address, headers=PAGE)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    marked = Marked(response.text)
    assert [" ".join(text.split()) for text in marked.cited] == ["向量数据库 Milvus, PingCAP（基于 TiKV 的向量引擎）"]
    assert marked.ids.count("passage") == 1


def test_the_anchors_of_chunks_are_the_ids_of_the_page(server: Server) -> None:
    hits = server.post("/search", question="学习路线 架构 资源 Embedding", top_k=50).json()["hits"]
    anchors = {(hit["source"], hit["anchor"]) for hit in hits if hit["anchor"]}
    assert len(anchors) > 4
    for source in {source for source, _ in anchors}:
        ids = Marked(server.client.get(document_url(source), headers=PAGE).text).ids
        assert {anchor for of, anchor in anchors if of == source} <= set(ids)


def test_a_title_that_the_text_does_not_begin_with_is_shown_above_it(server: Server) -> None:
    shown = server.client.get("/docs/guides/100%25_sure.md", headers=PAGE).text
    assert "<h1>Quotes &quot; and % signs</h1><p>" in shown, "the properties stand below it"
    assert server.client.get("/docs/guides/setup.md", headers=PAGE).text.count("<h1") == 1


def test_json_has_the_html_for_a_page_with_ids_of_its_own_and_the_sections(server: Server) -> None:
    body = server.client.get("/documents/overview.md?lines=82-83").json()
    assert list(body) == ["source", "title", "generation", "chunks", "rebuilt", "plain", "url", "sections", "html"]
    assert (body["source"], body["rebuilt"], body["url"]) == (
        "overview.md",
        False,
        "/docs/overview.md?lines=82-83#passage",
    )
    assert {"level": 2, "heading": "AI 工程架构", "anchor": "ai-工程架构"} in body["sections"]
    marked = Marked(body["html"])
    assert all(name.startswith("doc-") for name in marked.ids)
    assert "doc-passage" in marked.ids
    assert len(marked.cited) == 2


def test_a_source_with_signs_in_its_name_is_found_and_listed(server: Server) -> None:
    listed = server.client.get("/documents").json()
    addresses = {one["source"]: one["url"] for one in listed["documents"]}
    assert addresses["guides/100%_sure.md"] == f"/docs/{quote('guides/100%_sure.md')}"
    assert listed["generation"] == server.client.get("/health").json()["generation"]
    for address in addresses.values():
        assert server.client.get(address).status_code == 200
        assert server.client.get(address.replace("/docs/", "/documents/")).status_code == 200


@pytest.mark.parametrize(
    "source",
    [
        "nothing.md",
        "golden.yaml",
        "..%2fm.db",
        "%2e%2e/%2e%2e/etc/passwd",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "guides/../overview.md%00",
        "guides",
        "overview.md/",
        "a%7fb.md",
        "%ff.md",
        "",
    ],
)
def test_only_documents_of_the_live_generation_are_shown(server: Server, source: str) -> None:
    assert_json_error(server.client.get(f"/docs/{source}"), 404, "document_not_found")
    if source:  # without one, it is the list
        assert_json_error(server.client.get(f"/documents/{source}"), 404, "document_not_found")
    page = server.client.get(f"/docs/{source}", headers=PAGE)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")


def test_a_document_that_is_no_file_of_the_manifest_is_not_shown_though_it_lies_in_the_folder(server: Server) -> None:
    path = server.workspace.write("not-yet.md", "# Not yet\n\nNobody has ingested this.\n")
    try:
        assert_json_error(server.client.get("/documents/not-yet.md"), 404, "document_not_found")
    finally:
        path.unlink()


@pytest.mark.parametrize("lines", ["x", "1-", "-3", "1-2-3", "1;2", "9999999999"])
def test_invalid_lines_are_refused(server: Server, lines: str) -> None:
    for path in ("/docs/overview.md", "/documents/overview.md"):
        assert_json_error(server.client.get(path, params={"lines": lines}), 422, "invalid_request")


@pytest.mark.parametrize("change", ["edited", "gone", "replaced by a link"])
def test_a_file_that_has_changed_since_its_ingest_is_not_shown(server: Server, change: str) -> None:
    path = server.workspace.knowledge / "guides/upkeep.md"
    original = path.read_bytes()
    secret = server.workspace.folder / "secret.txt"
    secret.write_text("nobody may read this")
    path.unlink()
    try:
        if change == "edited":
            path.write_text("# Upkeep\n\nThis sentence is not in the index.\n")
        if change == "replaced by a link":
            path.symlink_to(secret)
        body = server.client.get("/documents/guides/upkeep.md?lines=9").json()
        page = server.client.get("/docs/guides/upkeep.md?lines=9", headers=PAGE).text
    finally:
        path.unlink(missing_ok=True)
        path.write_bytes(original)
    assert body["rebuilt"] is True
    assert "every forty days" in body["html"]
    assert "not in the index" not in body["html"]
    assert "nobody may read this" not in body["html"]
    assert [section["anchor"] for section in body["sections"]] == ["upkeep"]
    assert "every forty days" in "".join(Marked(body["html"]).cited)
    assert '<p class="note"  data-i18n="rebuilt">' in page


def test_a_page_allows_no_foreign_and_no_inline_script(server: Server) -> None:
    for path in ("/", "/knowledge", "/docs/overview.md", "/docs/nothing.md", "/static/style.css"):
        response = server.client.get(path, headers=PAGE)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", response.text), path


# Marks


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("3", ["first paragraph"]),
        ("5", ["broken"]),
        ("5-6", ["broken", "line by line"]),
        ("5-7", ["broken\nline by line\nto the end"]),
        ("9", ["one"]),
        ("10-11", ["two", "inner"]),
        ("15", ["b = 2"]),
        ("13-17", ["a = 1\nb = 2\nc = 3"]),
        ("21", ["x1"]),
        ("19-22", ["H", "x1", "x2"]),
        ("24", ["quoted"]),
        ("90", []),
    ],
)
def test_the_smallest_block_that_overlaps_is_marked_and_the_first_is_the_passage(
    lines: str, expected: list[str]
) -> None:
    text = (
        "# T\n\nfirst paragraph\n\nbroken\\\nline by line\\\nto the end\n\n- one\n- two\n  - inner\n\n"
        "```py\na = 1\nb = 2\nc = 3\n```\n\n| H |\n|---|\n| x1 |\n| x2 |\n\n> quoted\n"
    )
    marked = rendered(text, lines)
    assert ["\n".join(filter(None, cited.split("\n"))) for cited in marked.cited] == expected
    assert marked.ids == ["t", "passage"] if expected else ["t"]


def test_lines_are_those_of_the_file_also_behind_front_matter_and_in_html() -> None:
    assert rendered("---\ntitle: A\n---\n\n# A\n\nhere\n\nthere\n", "9").cited == ["there"]
    html = "<html><body>\n<h1>A</h1>\n<p>here</p>\n\n<p>there</p>\n</body></html>"
    assert rendered(html, "5", "a.html").cited == ["there"]
    assert rendered("one\ntwo\nthree\n", "2", "a.txt").cited == ["two"]


def test_an_anchor_that_a_heading_names_itself_is_its_id_and_not_its_text() -> None:
    html = render_document(parse_document("a.md", b"# Title {#own}\n\ntext\n")).html()
    assert html.startswith('<h1 id="own">Title </h1>')


# Safety


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mtext><style><img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1)) <javascript:alert(1)>",
    "[x](data:text/html,<script>alert(1)</script>)",
    '<a href="java&#10;script:alert(1)">x</a>',
    "![x](https://evil.example/leak.png)",
    "<iframe src=https://evil.example></iframe>",
    "<form action=https://evil.example><input name=q><button>go</button></form>",
    "<div style='background:url(https://evil.example)'>x</div>",
    "<style>@import url(https://evil.example)</style>",
    "<link rel=stylesheet href=https://evil.example>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<object data=https://evil.example></object><embed src=https://evil.example>",
    "<p id=passage class=cited onclick=alert(1) tabindex=1>x</p>",
    "<button type=submit class=cite data-cite=1>x</button>",
    "[x](//evil.example/a.md) [y](/\\evil.example/a.md) [z](\\\\evil.example/a.md)",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "```html onmouseover=alert(1)\n<script>alert(1)</script>\n```",
    "`<script>alert(1)</script>`",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea><script>alert(1)</script>",
    '# <img src=x onerror=alert(1)> {#"onload=alert(1)}',
    "[x]: javascript:alert(1)\n\n[x]",
    "<video poster=https://evil.example/a.png src=https://evil.example/b.mp4 autoplay>",
]
SAFE_ATTRIBUTES = {"href", "rel", "start", "colspan", "rowspan", "tabindex", "id", "class"}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_a_document_holds_stays_text_and_what_follows_stays_whole(hostile: str) -> None:
    marked = rendered(f"before\n\n{hostile}\n\nafter\n", "999")
    assert not {"script", "img", "svg", "style", "iframe", "form", "input", "object", "meta", "base"} & set(marked.tags)
    for tag, name, value in marked.attributes:
        assert name in SAFE_ATTRIBUTES, (tag, name)
        assert name != "id" or value == "onloadalert1", value
        assert name != "class" or value in ("image", "scroll", "long") or value.startswith("code-"), value
        assert name != "tabindex" or value == "0"
        assert name != "href" or value.startswith(("https://", "http://", "mailto:", "/docs/", "#")), value
        assert not value.startswith(("//", "/\\"))
    html = render_document(parse_document("a.md", f"before\n\n{hostile}\n\nafter\n".encode())).html()
    assert html.startswith("<p>before</p>")
    assert html.rstrip().endswith("<p>after</p>")


# Rebuilt


def test_a_document_rebuilt_from_its_chunks_says_what_the_file_says_on_about_the_same_lines() -> None:
    document = parse_document("overview.md", (KNOWLEDGE / "overview.md").read_bytes())
    chunks = chunk_document(document, count_tokens=lambda text: len(text) // 2, max_tokens=320)
    record = DocumentRecord("overview.md", "", "", 0, 0, document.title, len(chunks))
    again = rebuild_document(record, chunks)
    original, copy = render_document(document), render_document(again)
    assert [heading.anchor for heading in copy.headings] == [heading.anchor for heading in original.headings]
    assert [heading.text for heading in copy.headings] == [heading.text for heading in original.headings]
    for line, word in ((82, "PingCAP"), (46, "硅基流动"), (62, "Numpy")):
        cited = Marked(render_document(again).html(range(line, line + 1))).cited
        assert any(word in text for text in cited), (line, cited)
