"""Links in documents lead to documents that there are, as the tools of their authors resolve them."""

import re
from collections.abc import Sequence

import pytest

from api.page.document_html import render_document
from api.page.document_names import DocumentNames
from ingest.readers.parse import parse_document

SOURCES = (
    "README.md",
    "guides/a.md",
    "guides/b.md",
    "guides/my file.md",
    "guides/README.md",
    "guides/notes.txt",
    "c.md",
    "d.md",
    "reference/index.mdx",
    "reference/cli.md",
    "规范/命名.md",
    "规范/2024/命名.md",
    "site/docs/start/install.md",
    "Both.md",
    "both.html",
)


def targets(text: str, source: str = "guides/a.md", sources: Sequence[str] = SOURCES) -> list[str]:
    html = render_document(parse_document(source, text.encode()), names=DocumentNames(sources)).html()
    return re.findall(r'href="([^"]*)"', html)


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("b.md#x", "/docs/guides/b.md#x"),
        ("./b", "/docs/guides/b.md"),
        ("b.html#part", "/docs/guides/b.md#part"),
        ("b/", "/docs/guides/b.md"),
        ("../c.md", "/docs/c.md"),
        ("/d.md", "/docs/d.md"),
        ("/start/install", "/docs/site/docs/start/install.md"),
        ("../../../../c.md", "/docs/c.md"),
        ("my%20file.md?x=1", "/docs/guides/my%20file.md"),
        ("<my file.md>", "/docs/guides/my%20file.md"),
        ("../reference/", "/docs/reference/index.mdx"),
        ("..", "/docs/README.md"),
        ("./", "/docs/guides/README.md"),
        ("../规范/命名.md#大小写", "/docs/%E8%A7%84%E8%8C%83/%E5%91%BD%E5%90%8D.md#%E5%A4%A7%E5%B0%8F%E5%86%99"),
        ("../CLI.md", None),
        ("../reference/CLI.md", "/docs/reference/cli.md"),
        ("../both.html", "/docs/both.html"),
        ("../both", "/docs/Both.md"),
        ("#here", "#here"),
        ("<#Over Here>", "#over-here"),
        ("missing.md", None),
        ("file.zip", None),
        ("//evil.example/a.md", None),
        ("https://a.example/b.md", "https://a.example/b.md"),
        ("tel:0571-6000", "tel:0571-6000"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("", None),
    ],
)
def test_a_link_leads_to_the_document_that_it_means(link: str, address: str | None) -> None:
    assert targets(f"[text]({link})") == [address] * (address is not None)


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("规范/命名#大小写", "/docs/%E8%A7%84%E8%8C%83/%E5%91%BD%E5%90%8D.md#%E5%A4%A7%E5%B0%8F%E5%86%99"),
        ("命名", "/docs/%E8%A7%84%E8%8C%83/%E5%91%BD%E5%90%8D.md"),
        ("2024/命名", "/docs/%E8%A7%84%E8%8C%83/2024/%E5%91%BD%E5%90%8D.md"),
        ("install", "/docs/site/docs/start/install.md"),
        ("B|shown", "/docs/guides/b.md"),
        ("my file#Set Up#On Linux", "/docs/guides/my%20file.md#on-linux"),
        ("b#^block", "/docs/guides/b.md"),
        ("#Set Up", "#set-up"),
        ("notes.txt", "/docs/guides/notes.txt"),
        ("nowhere", None),
        ("../../etc/passwd", None),
    ],
)
def test_a_wikilink_is_found_by_path_or_anywhere_by_name(link: str, address: str | None) -> None:
    assert targets(f"see [[{link}]]") == [address] * (address is not None)


def test_a_link_that_leads_nowhere_stays_text_and_one_that_is_not_opened_shows_its_address() -> None:
    def shown(text: str) -> str:
        return render_document(parse_document("a.md", text.encode())).html()

    assert shown("[missing](gone.md)") == "<p>missing</p>\n"
    assert shown("[[gone]]") == "<p>gone</p>\n"
    assert shown("[files](ftp://a.example/b)") == "<p>files (ftp://a.example/b)</p>\n"
    assert "javascript" not in shown("[x](javascript:alert(1))").replace("[x](javascript:alert(1))", "")
