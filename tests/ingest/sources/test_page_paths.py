"""Each address of a page has a path of its own, on every file system."""

from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from ingest.files.confined import leads_below
from ingest.sources.page_paths import page_path
from rag.web_address import page_address

SITE = "https://example.com"
NAMES = st.one_of(
    st.sampled_from(
        ["", "a", "A", "a.html", "a.htm", "index", "index.html", "a.page", "a.page.html", ".", "..", ".a", "a~"]
    ),
    st.text(max_size=4),
    st.sampled_from(["x" * 300, "部" * 50, "İ", "ﬁ", "é", "con", "a b", "a%2Fb"]),
)
PATHS = st.lists(NAMES, min_size=1, max_size=7).map(lambda names: "/" + "/".join(quote(name) for name in names))
ADDRESSES = st.builds(
    lambda path, query: page_address(f"{SITE}{path}{query}"), PATHS, st.sampled_from(["", "?a=1", "?a=2"])
).filter(bool)
SUFFIXES = st.sampled_from([".html", ".pdf", ".md"])


@given(st.sets(st.tuples(ADDRESSES, SUFFIXES), min_size=2, max_size=8))
@example({(f"{SITE}/a", ".html"), (f"{SITE}/a/", ".html"), (f"{SITE}/a.html", ".html"), (f"{SITE}/A", ".html")})
@example({(f"{SITE}/a.html/b", ".html"), (f"{SITE}/a.html", ".html")})
@example({(f"{SITE}/index.html", ".html"), (f"{SITE}/", ".html"), (f"{SITE}/index", ".html")})
def test_no_two_pages_have_one_path_and_none_is_the_folder_of_another(pages: set[tuple[str, str]]) -> None:
    paths = [page_path(address, suffix) for address, suffix in pages]
    folded = {path.casefold() for path in paths}
    assert len(folded) == len(paths)
    folders = {"/".join(path.split("/")[:depth]) for path in folded for depth in range(1, path.count("/") + 1)}
    assert not folders & folded
    for path, (_, suffix) in zip(paths, pages, strict=True):
        assert leads_below(path)
        assert path.endswith(suffix)
        assert len(path.encode()) <= 240
        assert all(len(part.encode()) <= 110 and not part.startswith(".") for part in path.split("/"))
