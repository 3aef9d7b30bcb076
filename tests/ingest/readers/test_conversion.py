"""Plain text, HTML, MDX, PDF and DOCX as Markdown: what is kept, what is left out, and which line is cited."""

import hashlib
import html
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pypdf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.chunking.chunks import chunk_document
from ingest.parser_process import ParserProcess
from ingest.readers.parse import parse_document
from ingest.sync import ingest
from rag.errors import DocumentError
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.retrieval.search import retrieve
from rag.settings import KnowledgeSettings, Settings, StoreSettings
from rag.store.store import Store
from rag.types import Chunk, Hit
from tests.kit.corpus import Folder


def chunks_of(source: str, content: str | bytes) -> list[Chunk]:
    """Cut as large as can be, so that only what must stand apart does."""
    document = parse_document(source, content.encode() if isinstance(content, str) else content)
    return chunk_document(document, count_tokens=len, max_tokens=60_000)


def text_of(source: str, content: str | bytes) -> str:
    return "\n\n".join(chunk.content for chunk in chunks_of(source, content))


def lines_of(source: str, content: str | bytes, words: str) -> tuple[int, int]:
    """The lines that the narrowest chunk with these words cites."""
    holding = [chunk for chunk in chunks_of(source, content) if words in chunk.content]
    assert holding, f"{words!r} is lost"
    return min(((chunk.start_line, chunk.end_line) for chunk in holding), key=lambda lines: lines[1] - lines[0])


# Plain text


MARKDOWN_LOOKALIKES = [
    "# not a heading",
    "* a *b* **c** _d_ __e__",
    "`code` and ``code``",
    "1. one",
    "12) twelve",
    "- dash",
    "+ plus",
    "> no quotation",
    "<b>no tag</b> <!-- no comment --> <https://example.com>",
    "[no link](https://example.com) ![no image](x.png)",
    "[no]: definition",
    "| no | table |",
    "~~~",
    "```",
    "***",
    "C:\\temp\\*.txt\\",
    "a\\",
    "    indented",
    "if (a < b && c > d) { return !e; }",
    "AT&T",
    "&amp; &lt;p&gt; &copy; &#35;",
    "-",
    "1.",
    "-----",
    "=====",
    "- - -",
    "___",
]


@pytest.mark.parametrize("line", MARKDOWN_LOOKALIKES)
def test_in_plain_text_every_character_means_itself(line: str) -> None:
    assert text_of("a.txt", f"before\n\n{line}\n\nafter\n") == f"before\n\n{line.strip()}\n\nafter"


@pytest.mark.parametrize("underline", ["=====", "-----", "-", "="])
def test_in_plain_text_an_underlined_line_stays_as_it_is(underline: str) -> None:
    assert text_of("a.txt", f"A title\n{underline}\n\nand text\n") == f"A title\n{underline}\n\nand text"


def test_in_plain_text_a_blank_line_ends_a_paragraph_and_a_line_break_is_kept() -> None:
    assert text_of("a.txt", "one\ntwo\n\n\nthree\n") == "one\ntwo\n\nthree"
    assert text_of("a.txt", "第一行\n第二行\n") == "第一行\n第二行"


def test_plain_text_cites_its_own_lines() -> None:
    text = "one\ntwo\n\n* three\n\n\nfour\n"
    document = parse_document("a.txt", text.encode())
    chunks = chunk_document(document, count_tokens=lambda piece: 8 * len(piece), max_tokens=80)
    assert [(chunk.content, chunk.start_line, chunk.end_line) for chunk in chunks] == [
        ("one\ntwo", 1, 2),
        ("* three", 4, 4),
        ("four", 7, 7),
    ]


def test_a_long_plain_text_without_blank_lines_cites_less_than_all_of_it() -> None:
    """A log or a list of addresses is one paragraph; a citation of the whole file would point nowhere."""
    document = parse_document("a.txt", "".join(f"entry {number} is here\n" for number in range(1, 201)).encode())
    chunks = chunk_document(document, count_tokens=len, max_tokens=320)
    [chunk] = [chunk for chunk in chunks if "entry 150 " in chunk.content]
    assert chunk.start_line <= 150 <= chunk.end_line
    assert chunk.end_line - chunk.start_line < 50


def test_plain_text_without_words_has_no_chunks() -> None:
    assert chunks_of("a.txt", "") == []
    assert chunks_of("a.txt", "\n \n\t\n") == []


PUNCTUATION = st.text("ab1 .-+=*_#>`~|[]()<>!&;:\\/\"'$%^{}@?,\n", max_size=60)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(PUNCTUATION)
def test_plain_text_loses_and_gains_no_character_but_white_space(text: str) -> None:
    assert "".join(text_of("a.txt", text).split()) == "".join(text.split())


# HTML


PAGE = """<!doctype html>
<html>
<head>
<title>Lamps &amp; lenses</title>
<style>p { color: red }</style>
<script>var tracked = "by the head";</script>
</head>
<body onload="steal()">
<nav><a href="/">Home of navigation</a></nav>
<h1 id="top" class="huge">Lamps</h1>
<p class="lead" onclick="alert('attribute')">The first paragraph
goes on.</p>
<h2>Parts</h2>
<ul>
<li>lens</li>
<li>daemon
<ul>
<li>socket</li>
<li>unit file</li>
</ul>
</li>
</ul>
<ol><li>unpack</li><li>start</li></ol>
<h3>Ports</h3>
<table>
<tr><th>Name</th><th>Port</th></tr>
<tr><td>lamp</td><td>7311</td></tr>
<tr><td>lens</td>
<td>7312</td></tr>
<tr><td>horn</td><td>7313</td></tr>
</table>
<h2>Code</h2>
<pre><code class="language-sh">
lamp --port 7311 &amp;&amp; echo "&lt;ok&gt;"
  lens *.glass
</code></pre>
<blockquote>Light is patient.</blockquote>
<script>document.write("by the body")</script>
<noscript>no script</noscript>
<template>a template</template>
<svg><text>a drawing</text></svg>
<!-- a comment -->
<p>See <a href="https://example.com/lamps" title="hidden title">the manual</a> or <a href="/local">this</a>.</p>
<p><img src="x.png" alt="a picture of the lamp" width="7319"></p>
</body>
</html>
"""


def line_in_page(words: str) -> int:
    return 1 + next(number for number, line in enumerate(PAGE.split("\n")) if words in line)


def test_the_headings_of_html_are_the_heading_path_and_its_title_the_title() -> None:
    chunks = chunks_of("a.html", PAGE)
    paths = list(dict.fromkeys(chunk.heading_path for chunk in chunks))
    assert paths == [("Lamps",), ("Lamps", "Parts"), ("Lamps", "Parts", "Ports"), ("Lamps", "Code")]
    assert {chunk.title for chunk in chunks} == {"Lamps & lenses"}


def test_html_without_a_title_is_called_by_its_first_heading() -> None:
    assert {chunk.title for chunk in chunks_of("a.html", "<h1>Horns</h1><p>Loud.</p>")} == {"Horns"}


def test_the_blocks_of_html_cite_the_lines_they_begin_on() -> None:
    assert lines_of("a.html", PAGE, "The first paragraph")[0] == line_in_page("The first paragraph")
    assert lines_of("a.html", PAGE, "lens *.glass")[0] == line_in_page("<pre>")
    [chunk] = [chunk for chunk in chunks_of("a.html", PAGE) if "unit file" in chunk.content]
    assert chunk.start_line == line_in_page("<ul>")


def test_nested_lists_of_html_keep_their_nesting_and_numbers() -> None:
    text = text_of("a.html", PAGE)
    assert "- lens\n- daemon\n  - socket\n  - unit file\n" in text
    assert "1. unpack\n2. start" in text


@pytest.mark.parametrize("name", ["lamp", "lens", "horn"])
def test_each_row_of_an_html_table_cites_its_own_line(name: str) -> None:
    port = {"lamp": 7311, "lens": 7312, "horn": 7313}[name]
    line = line_in_page(f"<td>{name}</td>")
    assert lines_of("a.html", PAGE, f"Name: {name} › Port: {port}") == (line, line)


def test_each_row_of_an_html_table_without_header_cites_its_own_line() -> None:
    page = "<p>x</p>\n<table>\n<tr><td>lamp</td><td>7311</td></tr>\n<tr><td>lens</td><td>7312</td></tr>\n</table>\n"
    assert lines_of("a.html", page, "lamp › 7311") == (3, 3)
    assert lines_of("a.html", page, "lens › 7312") == (4, 4)


def test_code_of_html_is_kept_letter_by_letter() -> None:
    assert 'lamp --port 7311 && echo "<ok>"\n  lens *.glass' in text_of("a.html", PAGE)


@pytest.mark.parametrize(
    "unseen",
    [
        "color: red",
        "by the head",
        "by the body",
        "Home of navigation",
        "no script",
        "a template",
        "a drawing",
        "a comment",
        "doctype",
    ],
)
def test_what_a_browser_does_not_show_as_text_is_left_out(unseen: str) -> None:
    assert unseen in PAGE
    assert unseen not in text_of("a.html", PAGE)


@pytest.mark.parametrize("attribute", ["steal", "alert", "lead", "huge", "hidden title", "7319", "/local", "x.png"])
def test_attributes_of_html_are_dropped_except_addresses_and_descriptions(attribute: str) -> None:
    assert attribute in PAGE
    text = text_of("a.html", PAGE)
    assert attribute not in text
    assert "the manual (https://example.com/lamps)" in text
    assert "a picture of the lamp" in text


def test_loose_text_of_html_is_kept_in_reading_order() -> None:
    page = "Before.<p>One.</p>\nBetween <b>bold</b> words.\n<div>Inside <p>Two.</p> a division.</div>After.\n"
    text = " ".join(text_of("a.html", f"<html><body>{page}</body></html>").split())
    assert text == "Before. One. Between bold words. Inside Two. a division. After."


@pytest.mark.parametrize("page", ["just words", "just <b>bold</b> words", "<body>just words</body>", "just<br>words"])
def test_html_without_any_block_keeps_its_words(page: str) -> None:
    assert "just" in text_of("a.html", page)
    assert "words" in text_of("a.html", page)


def test_paragraphs_that_are_not_closed_are_read_apart() -> None:
    """HTML lets authors leave the end tag out."""
    assert text_of("a.html", "<p>One<p>Two").split("\n\n") == ["One", "Two"]


@pytest.mark.parametrize(
    "text",
    [
        "R&D at Müller & Söhne © 2026",
        "a < b > c",
        "List<String> and <script> are code",
        "&lt; is written for <",
        "# no heading",
        "1) first",
        "+ plus",
        "[x](y) and ![x](y)",
        "`code`",
        "> quote",
        "~~~",
        "---",
        "<!-- no comment -->",
        "*a* _b_ \\c",
    ],
)
def test_text_of_html_means_itself_after_its_entities_are_read(text: str) -> None:
    assert text_of("a.html", f"<p>before</p><p>{html.escape(text)}</p><p>after</p>") == f"before\n\n{text}\n\nafter"


def test_a_bar_in_a_cell_does_not_end_the_cell() -> None:
    page = "<table><tr><th>Key</th><th>Values</th></tr><tr><td>mode</td><td>on|off</td></tr></table>"
    assert "Values: on|off" in text_of("a.html", page)


def test_end_tags_that_are_left_out_are_supplied() -> None:
    assert text_of("a.html", "<ul><li>one<ul><li>inner</ul><li>two</ul>") == "- one\n  - inner\n- two"
    assert "a › b" in text_of("a.html", "<table><tr><td>a<td>b<tr><td>c<td>d</table>")
    assert text_of("a.html", "<p>one<p>two<div>three</div>four") == "one\n\ntwo\n\nthree\n\nfour"


def test_thousands_of_paragraphs_that_are_not_closed_are_read() -> None:
    assert "\n\n".join(f"word {number}" for number in range(3000)) == text_of(
        "a.html", "".join(f"<p>word {number}" for number in range(3000))
    )


def test_loose_text_cites_its_own_line() -> None:
    page = "<!-- one\ntwo -->\n<p>three</p>\n<script>\nfive\n</script>\nseven\n<h2>eight</h2>\n\nten\n"
    assert lines_of("a.html", page, "seven")[1] == 7
    assert lines_of("a.html", page, "ten") == (10, 10)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>中<b>重点：</b>内容</p>", "中重点：内容"),
        (
            "<p><a href='javascript:open()'>menu</a> and <a href='https://x.y/(a b'>link</a></p>",
            "menu and link (https://x.y/(a%20b)",
        ),
        ("<p>see <code>a\n# b</code> and <img alt='*x* ]'></p>", "see a # b and *x* ]"),
        ("<p><b>-</b> x<br><i>1</i>. y<br>+<b> z</b></p>", "- x\n1. y\n+ z"),
        ("<pre>```\n*x*\n````</pre>", "```\n*x*\n````"),
        (
            "<dl><dt>Lamp<dd>It shines.<dt>Lens<dd><p>One.<p>* Two.</dl>",
            "- Lamp\n  It shines.\n- Lens\n  One.\n  * Two.",
        ),
    ],
)
def test_what_html_marks_is_not_mistaken_for_what_it_says(page: str, text: str) -> None:
    assert text_of("a.html", page) == text


def test_an_entity_brings_no_invisible_character_in() -> None:
    assert text_of("a.html", "<p>a&#x202e;b&#x200b;<code>c&#x202e;d</code></p>") == "abcd"


def test_a_bold_paragraph_is_still_a_label() -> None:
    [chunk] = chunks_of("a.html", "<p><b>端口：</b></p>\n<ul><li>7311</li></ul>")
    assert (chunk.kind, chunk.content) == ("list", "端口：\n- 7311")


def test_a_bar_in_code_in_a_cell_does_not_end_the_cell() -> None:
    page = "<table><tr><th>K<th>V<tr><td>mode<td><code>on|off\\|x</code></table>"
    assert "V: on|off\\|x" in text_of("a.html", page)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(PUNCTUATION)
@example("\x85| ---")
def test_a_paragraph_of_html_loses_and_gains_no_character_but_white_space(text: str) -> None:
    assert "".join(text_of("a.html", f"<p>{html.escape(text)}</p>").split()) == "".join(text.split())


# MDX


def test_import_and_export_lines_of_mdx_are_gone_and_the_lines_after_them_stay_where_they_were() -> None:
    text = "---\ntitle: T\n---\nimport Tabs from '@theme/Tabs'\n\n# Lamp\n\nexport const port = 7311\n\nThe word.\n"
    assert "import" not in text_of("a.mdx", text)
    assert "export" not in text_of("a.mdx", text)
    assert lines_of("a.mdx", text, "The word.") == (10, 10)


@pytest.mark.parametrize(("opening", "closing"), [("```js", "```"), ("~~~", "~~~"), ("````md\n```js", "```\n````")])
def test_import_and_export_lines_in_code_are_kept(opening: str, closing: str) -> None:
    text = (
        f"# Lamp\n\n{opening}\nimport lamp from 'lamp'\nexport const port = 7311\n{closing}\n\nimport gone from 'x'\n"
    )
    kept = text_of("a.mdx", text)
    assert "import lamp from 'lamp'\nexport const port = 7311" in kept
    assert "gone" not in kept


def test_a_fence_with_a_language_does_not_close_a_block_of_code() -> None:
    text = "```\nopen\n```js\nimport kept from 'kept'\n```\n\nimport gone from 'x'\n"
    assert "import kept" in text_of("a.mdx", text)
    assert "gone" not in text_of("a.mdx", text)


def test_imports_that_take_several_lines_are_gone_with_all_their_lines() -> None:
    text = "import {\n  Lamp,\n  Lens,\n} from 'lamps'\n\nexport const meta = {\n  author: 'K',\n}\n\nThe word.\n"
    assert text_of("a.mdx", text) == "The word."
    assert lines_of("a.mdx", text, "The word.") == (10, 10)


def test_a_statement_goes_on_past_a_blank_line_while_a_bracket_is_open() -> None:
    text = "export const meta = {\n  at: '{',\n\n  # by: ['K']\n}\n\nThe word.\n"
    assert text_of("a.mdx", text) == "The word."


def test_a_bracket_that_is_never_closed_takes_no_more_than_its_paragraph() -> None:
    assert text_of("a.mdx", "export const a = (\n\nThe word.\n\nAnother.\n") == "The word.\n\nAnother."


def test_what_follows_a_statement_at_once_is_kept() -> None:
    chunks = chunks_of("a.mdx", "import A from 'a'\nimport B from 'b'\n# Lamp\nThe word.\n")
    assert [(chunk.heading_path, chunk.content, chunk.start_line) for chunk in chunks] == [(("Lamp",), "The word.", 4)]


def test_front_matter_of_mdx_is_no_statement() -> None:
    document = parse_document("a.mdx", b"---\nexport : yes\n---\nx\n")
    assert document.metadata == {"export": True}


def test_a_wrapped_sentence_whose_line_begins_with_export_is_kept() -> None:
    text = "Taxes fall on every\nimport of lamps and every\nexport of lenses.\n"
    assert text_of("a.mdx", text) == "Taxes fall on every import of lamps and every export of lenses."


def test_markdown_keeps_lines_that_begin_with_import() -> None:
    assert "import tax" in text_of("a.md", "import tax is due.\n")


# PDF


def pdf_of(*pages: str) -> bytes:
    """A PDF with a page for each text, written out by hand."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {count} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        shown = " ".join(f"({line}) Tj 0 -14 Td" for line in page.split("\n") if line)
        stream = f"BT /F1 12 Tf 20 700 Td {shown} ET"
        resources = "/Resources << /Font << /F1 3 0 R >> >>"
        contents = f"/Contents {5 + 2 * number} 0 R"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {resources} {contents} >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    file = io.BytesIO()
    file.write(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(file.tell())
        file.write(f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1"))
    start = file.tell()
    entries = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    file.write(f"xref\n0 {size}\n0000000000 65535 f \n{entries}".encode())
    file.write(f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    return file.getvalue()


def encrypted(content: bytes, password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(content))
    writer.encrypt(password, "the owner's", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def with_aes(content: bytes) -> bytes:
    """The same PDF saying that it is encrypted by AES, as most protected PDFs are."""
    filters = b"/CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV2 /Length 16 >> >> /StmF /StdCF /StrF /StdCF"
    changed = content.replace(b"/V 2\n/R 3", b"/V 4\n/R 4\n" + filters)
    assert changed != content
    return changed


PDF = pdf_of("The lighthouse has two lamps.\nThe second line.", "", "The lamp code is 7311.")


def test_a_pdf_is_cited_by_its_pages() -> None:
    document = parse_document("a.pdf", PDF)
    chunks = chunk_document(document, count_tokens=len, max_tokens=60)
    assert [(chunk.content, chunk.start_line, chunk.end_line) for chunk in chunks] == [
        ("The lighthouse has two lamps.\nThe second line.", 1, 1),
        ("The lamp code is 7311.", 3, 3),
    ]


def test_a_passage_across_pages_cites_the_first_and_the_last() -> None:
    [chunk] = chunks_of("a.pdf", pdf_of("It begins here.", "It ends here."))
    assert (chunk.start_line, chunk.end_line) == (1, 2)


def test_the_text_of_a_pdf_means_itself() -> None:
    assert text_of("a.pdf", pdf_of("# No heading &amp; *no* <tag> 1.")) == "# No heading &amp; *no* <tag> 1."


def test_a_pdf_that_only_its_owner_may_edit_is_read() -> None:
    assert "The lamp code is 7311." in text_of("a.pdf", encrypted(PDF, ""))


def test_a_pdf_without_text_says_what_it_lacks() -> None:
    assert "contains no text" in conversion_error("a.pdf", pdf_of("", ""))


# DOCX


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{html.escape(text)}</w:t></w:r></w:p>"


def table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx_with(document_xml: str) -> bytes:
    """A Word file with nothing in it but what it must have."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        package.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{OFFICE}" Target="word/document.xml"/></Relationships>',
        )
        package.writestr("word/document.xml", document_xml)
    return file.getvalue()


def docx_of(*blocks: str) -> bytes:
    return docx_with(f'<w:document xmlns:w="{WORD}"><w:body>{"".join(blocks)}</w:body></w:document>')


DOCX = docx_of(
    paragraph("The lighthouse", "Heading1"),
    paragraph("It was built of granite."),
    paragraph("Ports", "Heading2"),
    paragraph("These are open:"),
    table(("Name", "Port"), ("lamp", "7311"), ("lens", "7312")),
    paragraph("灯塔的代码是七三一一。"),
)


def test_a_docx_keeps_headings_paragraphs_and_tables() -> None:
    chunks = chunks_of("a.docx", DOCX)
    assert list(dict.fromkeys(chunk.heading_path for chunk in chunks)) == [
        ("The lighthouse",),
        ("The lighthouse", "Ports"),
    ]
    text = "\n".join(chunk.content for chunk in chunks)
    assert "It was built of granite." in text
    assert "灯塔的代码是七三一一。" in text
    assert "lamp › 7311" in text


def test_a_docx_is_cited_by_its_blocks_in_order() -> None:
    assert lines_of("a.docx", DOCX, "It was built of granite.") == (2, 2)
    after_the_table, _ = lines_of("a.docx", DOCX, "灯塔的代码是七三一一。")
    assert after_the_table > lines_of("a.docx", DOCX, "lamp › 7311")[0] > 3


def test_the_text_of_a_docx_means_itself() -> None:
    written = "Use <lamp> & List<String>, [x](y), 2 * 3 * 4"
    assert text_of("a.docx", docx_of(paragraph(written))) == written


# Files that are broken


def conversion_error(source: str, content: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_document(source, content)
    message = str(caught.value)
    assert message.startswith(f"{source}: ")
    assert "\n" not in message
    assert len(message) < 300
    return message


BROKEN = {
    "an empty PDF": ("a.pdf", b""),
    "a PDF that is text": ("a.pdf", b"just words"),
    "a PDF cut in half": ("a.pdf", PDF[: len(PDF) // 2]),
    "a PDF of noise": ("a.pdf", b"%PDF-1.7\n" + hashlib.shake_128(b"noise").digest(2000)),
    "a PDF with a password": ("a.pdf", encrypted(PDF, "secret")),
    "a PDF encrypted by AES": ("a.pdf", with_aes(encrypted(PDF, ""))),
    "an empty DOCX": ("a.docx", b""),
    "a DOCX that is text": ("a.docx", b"just words"),
    "a DOCX cut in half": ("a.docx", DOCX[: len(DOCX) // 2]),
    "a DOCX that is some other archive": ("a.docx", b"PK\x05\x06" + bytes(18)),
    "a DOCX without body": ("a.docx", docx_with("<x/>")),
    "a DOCX whose XML breaks off": ("a.docx", docx_with("<w:document>")),
    "a DOCX whose XML is empty": ("a.docx", docx_with("")),
    "a DOCX nested 5,000 deep": ("a.docx", docx_of("<w:p>" * 5000 + "</w:p>" * 5000)),
}


@pytest.mark.parametrize(("source", "content"), BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_cannot_be_converted_is_an_error_of_one_line(source: str, content: bytes) -> None:
    conversion_error(source, content)


@pytest.mark.parametrize("name", ["a PDF encrypted by AES", "a DOCX whose XML breaks off"])
def test_the_parser_process_reports_a_broken_file_without_a_traceback(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with ParserProcess(timeout_seconds=20) as parser:
        with pytest.raises(DocumentError):
            parser.parse(*BROKEN[name])
        assert parser.parse("good.md", b"# Good\n").document.source == "good.md"
    assert "Traceback" not in capfd.readouterr().err


CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8)


@pytest.mark.parametrize(("source", "content"), [("a.pdf", PDF), ("a.docx", DOCX)], ids=["pdf", "docx"])
@settings(deadline=None, derandomize=True, max_examples=400)
@given(changes=CHANGES, cut=st.integers(0, 4000))
def test_any_damaged_file_is_a_document_or_a_document_error(
    source: str, content: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(content)
    for offset, value in changes:
        damaged[offset % len(damaged)] = value
    kept = bytes(damaged if cut % 4 else damaged[: cut % len(damaged)])
    try:
        parse_document(source, kept)
    except DocumentError as error:
        assert str(error).startswith(f"{source}: ")


# All the way into answers


@dataclass(frozen=True, slots=True)
class Shelf:
    folder: Folder
    find: Callable[[str], Hit]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A document of every kind, ingested with the embedder that ships."""
    place: Path = tmp_path_factory.mktemp("kinds")
    folder = Folder(place / "knowledge")
    folder.write("plain.txt", "Notes\n\n* The walrus weighs 1200 kilos.\n")
    folder.write("page.html", "<h1>Animals</h1>\n<p>The heron nests in March.</p>\n\n<p>Loud.</p>\n")
    folder.write(
        "page.htm", "<table>\n<tr><th>Animal</th><th>Legs</th></tr>\n<tr><td>spider</td><td>8</td></tr></table>"
    )
    folder.write("app.mdx", "import X from 'x'\n\n# Otters\n\nThe otter sleeps on its back.\n")
    folder.write("long.markdown", "# Moles\n\nThe mole digs eighteen metres of tunnel a day.\n")
    folder.write("中文.md", "# 大熊猫\n\n大熊猫每天要吃三十八公斤竹子。\n".encode("gb18030"))
    folder.write("宽字符.md", "# 金丝猴\n\n金丝猴住在海拔三千米的树林里。\n".encode("utf-16"))
    folder.write("report.pdf", pdf_of("A cover page.", "The badger has forty teeth minus two."))
    folder.write("letter.docx", docx_of(paragraph("Bats", "Heading1"), paragraph("The bat hears its own echo.")))
    include = (*KnowledgeSettings().include, "*.pdf", "*.docx")
    options = Settings(
        knowledge=KnowledgeSettings(path=folder.root, include=include), store=StoreSettings(uri=str(place / "m.db"))
    )
    embedder = BuiltinEmbedder()
    store = Store.open(options.store)
    report = ingest(options, store, embedder)
    assert report.failures == []
    assert report.documents.added == 9
    yield Shelf(
        folder, lambda question: retrieve(question, store.snapshot(), embedder, options.retrieval, top_k=1).hits[0]
    )
    store.close()


@pytest.mark.parametrize(
    ("question", "source", "line", "words"),
    [
        ("How heavy is the walrus?", "plain.txt", 3, "* The walrus weighs 1200 kilos."),
        ("When does the heron nest?", "page.html", 2, "The heron nests in March."),
        ("How many legs has a spider?", "page.htm", 3, "spider"),
        ("How does the otter sleep?", "app.mdx", 5, "The otter sleeps on its back."),
        ("How far does a mole dig in a day?", "long.markdown", 3, "The mole digs eighteen metres"),
        ("大熊猫每天吃多少竹子？", "中文.md", 3, "大熊猫每天要吃三十八公斤竹子。"),
        ("金丝猴住在哪里？", "宽字符.md", 3, "金丝猴住在海拔三千米的树林里。"),
        ("How many teeth has the badger?", "report.pdf", 2, "The badger has forty teeth"),
        ("What does the bat hear?", "letter.docx", 2, "The bat hears its own echo."),
    ],
)
def test_a_file_of_any_kind_is_found_and_cited_by_its_line(
    shelf: Shelf, question: str, source: str, line: int, words: str
) -> None:
    hit = shelf.find(question)
    assert hit.chunk.source == source
    assert words in hit.chunk.content
    assert hit.chunk.start_line <= line <= hit.chunk.end_line
