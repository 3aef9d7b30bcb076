"""What of a page is kept as its document."""

import pytest

from ingest.sources.web_page import WebPage, read_page
from rag.errors import DocumentError

ADDRESS = "https://docs.example.com/guide/setup"


def page(html: str) -> WebPage:
    return read_page(ADDRESS, html.encode())


def content(html: str) -> str:
    return page(html).document.decode().partition("<body>\n")[2].removesuffix("\n</body>\n")


@pytest.mark.parametrize(
    "html",
    [
        "<header>H</header><main><p>Kept</p></main><footer>F</footer>",
        '<aside>S</aside><div role="main"><div>a</div><p>Kept</p></div><div>F</div>',
        "<main hidden>H</main><main><p>Kept</p></main>",
        "<main><p>Kept</p>",
        "<div>S</div><article><h1>T</h1><p>Kept</p></article>F",
        "<main>S<article><h1>T</h1><p>Kept</p><main>x</main></article>F</main>",
    ],
)
def test_only_what_a_page_is_about_is_kept(html: str) -> None:
    kept = content(f"<html><head><title>T</title></head><body>{html}</body></html>")
    assert "<p>Kept</p>" in kept
    assert not {"H", "S", "F"} & set(kept.replace("</", "<"))


@pytest.mark.parametrize(
    "html",
    [
        "<h1>All</h1><p>Kept</p>",
        "<article>Kept 1</article><p>All</p><article>Kept 2</article>",
        "<main><h1>All</h1><article>Kept</article></main>",
    ],
)
def test_a_page_that_does_not_say_what_it_is_about_is_kept_whole(html: str) -> None:
    kept = content(f"<body class=x>\n{html}\n</body>")
    assert kept == html


def test_what_changes_at_every_request_is_not_kept() -> None:
    shown = content(
        '<head><meta name="csrf" content="1"></head><p>Kept</p><script nonce="1">1</script><!-- made at 1:11 -->'
        '<input type="hidden" value="1"><style>1</style><noscript><img src="1"></noscript>'
    )
    assert shown == "<p>Kept</p>"


def test_links_lead_to_documents_of_the_copy_and_pictures_have_complete_addresses() -> None:
    kept = '<a title="href=x" href="a/">a</a><a href=/guide/b.html#c>b</a><a href="#x">x</a><img src=c.png>'
    html = f'<base href="/v2/"><main>{kept}<a href="e.zip">e</a></main><a href="d?a=1&amp;b=2">d</a>'
    assert content(html) == (
        '<main><a title="href=x" href="../v2/a/index.html">a</a><a href="b.html#c">b</a><a href="#x">x</a>'
        '<img src="https://docs.example.com/v2/c.png"><a href="https://docs.example.com/v2/e.zip">e</a></main>'
    )
    v2 = "https://docs.example.com/v2"
    assert page(html).links == (
        f"{v2}/a/",
        "https://docs.example.com/guide/b.html#c",
        f"{v2}/e.zip",
        f"{v2}/d?a=1&b=2",
    )
    assert content('<a href="http://[">a</a>') == '<a href="http://[">a</a>'


def test_the_title_is_that_of_the_page_and_not_that_of_a_picture() -> None:
    shown = page("<title>Set up\n &amp; run</title><svg><title>Logo</title></svg>").document.decode()
    assert "<title>Set up &amp; run</title>" in shown


def test_the_encoding_is_the_one_that_the_server_names() -> None:
    html = "<p>Größe</p>".encode("latin-1")
    assert "Größe" in read_page(ADDRESS, html, "iso-8859-1").document.decode()
    assert "Größe" in read_page(ADDRESS, "<p>Größe</p>".encode(), "iso-8859-1").document.decode()
    assert "部署" in read_page(ADDRESS, "<meta charset=gbk><p>部署</p>".encode("gbk")).document.decode()
    with pytest.raises(DocumentError, match=ADDRESS):
        read_page(ADDRESS, html)


def test_a_password_is_asked_for_only_where_the_content_does_so() -> None:
    assert page('<form><input type="PASSWORD"></form>').asks_for_password
    assert not page('<header><input type="password"></header><main>Text</main>').asks_for_password
    assert not page('<pre>&lt;input type="password"&gt;</pre>').asks_for_password


def test_elements_that_never_end_cost_no_more_than_their_number() -> None:
    assert page("<main>" * 20_000 + "<article>" * 20_000 + "<h1>" * 20_000 + "<a href=x>" * 20_000).document
