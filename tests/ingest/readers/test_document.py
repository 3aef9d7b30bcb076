import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.readers.document import fallback_title
from ingest.readers.encoding import decode
from ingest.readers.parse import parse_document
from rag.errors import DocumentError
from tests.kit.conversion import body_lines


def body_line(content: str, word: str) -> int:
    """The line of the file with a word of the body, according to the parsed document."""
    lines = body_lines(parse_document("a.md", content.encode()))
    return next(number for number, text in lines.items() if word in text)


def test_plain_text_is_the_body_from_line_1() -> None:
    document = parse_document("a.md", b"# A\n\nx\n")
    assert (document.source, document.title, body_lines(document)) == ("a.md", "", {1: "A", 3: "x"})
    assert document.metadata == {}


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    assert parse_document("a.md", b"\xef\xbb\xbf# A\n").root.children[0].name == "h1"
    assert parse_document("a.md", b"\xef\xbb\xbf---\ntitle: T\n---\nx").title == "T"


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_are_read_as_newlines(end: str) -> None:
    document = parse_document("a.md", f"---{end}title: T{end}---{end}# A{end}{end}x{end}".encode())
    assert document.title == "T"
    assert body_lines(document) == {4: "A", 6: "x"}


def test_front_matter_is_separated_and_read() -> None:
    text = "---\ntitle:  向量 \ntags: [a, 2, null]\ndate: 2024-01-02\nat: 2024-01-02T03:04:05Z\ndraft: true\n---\n# H\n"
    document = parse_document("a.md", text.encode())
    assert document.title == "向量"
    assert document.metadata == {
        "title": "向量",
        "tags": ["a", 2, None],
        "date": "2024-01-02",
        "at": "2024-01-02T03:04:05Z",
        "draft": True,
    }
    assert body_lines(document) == {8: "H"}


@pytest.mark.parametrize("ending", ["---", "...", "---  ", "---\t"])
def test_front_matter_ends_with_dashes_or_dots(ending: str) -> None:
    assert parse_document("a.md", f"---\ntitle: T\n{ending}\nx".encode()).title == "T"


def test_a_title_that_is_not_text_becomes_text() -> None:
    assert parse_document("a.md", b"---\ntitle: 2024\n---\n").title == "2024"
    assert parse_document("a.md", b"---\ntitle:\n---\n").title == ""


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("word", 1),
        ("\n\nword", 3),
        ("---\ntitle: T\n---\nword", 4),
        ("---\ntitle: T\n---\n\n\nword", 6),
        ("---\n---\nword", 3),
        ("---\na: b\n\n# c\n\n...\nx\n\nword", 9),
        ("---\nno closing fence\n\nword", 4),
    ],
)
def test_first_line_counts_the_front_matter(content: str, line: int) -> None:
    assert body_line(content, "word") == line
    assert body_line(content.replace("\n", "\r\n"), "word") == line


@pytest.mark.parametrize("content", ["---\n---\nx", "---\n\n---\nx"])
def test_empty_front_matter_gives_no_metadata(content: str) -> None:
    document = parse_document("a.md", content.encode())
    assert document.metadata == {}
    assert list(body_lines(document).values()) == ["x"]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("---\nfirst\n\nsecond\n", {2: "first", 4: "second"}),
        ("---", {}),
        ("---\n", {}),
        ("----\na: 1\n----\n", {2: "a: 1"}),
        (" ---\na: 1\n---\n", {2: "a: 1"}),
    ],
)
def test_dashes_without_a_closing_fence_are_rulers(content: str, lines: dict[int, str]) -> None:
    document = parse_document("a.md", content.encode())
    assert body_lines(document) == lines
    assert document.metadata == {}


def test_dashes_further_down_are_text() -> None:
    content = "x\n\n---\n\ntitle: y\n\n---\n"
    assert body_lines(parse_document("a.md", content.encode())) == {1: "x", 5: "title: y"}


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"\xff", 1), (b"ok\nalso ok\ncaf\xe9 x", 3), (b"\n\xe2\x82", 2), ("日本語".encode("euc-jp") + b"\xff", 1)],
)
def test_bytes_that_are_not_utf_8_are_an_error_that_names_the_line(content: bytes, line: int) -> None:
    with pytest.raises(DocumentError, match=rf"^a\.md: line {line} is not UTF-8"):
        parse_document("a.md", content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_front_matter_and_lines_are_the_same_in_every_encoding(encoding: str) -> None:
    document = parse_document("a.md", "---\r\ntitle: 部署指南\r\n---\r\n# 安装与配置\r\n".encode(encoding))
    assert (document.title, body_lines(document)) == ("部署指南", {4: "安装与配置"})


def test_a_nul_byte_is_an_error_that_names_the_line() -> None:
    with pytest.raises(DocumentError, match=r"^a\.md: line 2 contains a NUL"):
        parse_document("a.md", b"x\ny\0z")


def test_invisible_characters_are_removed() -> None:
    hidden = "\u00ad\u200b\u2060\u2064\u202a\u202e\u2066\u2069\ufeff\U000e0041\U000e007f"
    text = "".join(f"{char}x" for char in hidden)
    assert body_lines(parse_document("a.md", text.encode())) == {1: "x" * len(hidden)}
    assert parse_document("a.md", f"---\ntitle: a{hidden}b\n---\n".encode()).title == "ab"


def test_invisible_characters_do_not_hide_the_front_matter() -> None:
    assert parse_document("a.md", "\u200b---\ntitle: T\n---\n".encode()).title == "T"


def test_joiners_of_emoji_and_letters_are_kept() -> None:
    text = "👩\u200d💻 می\u200cخواهم ❤\ufe0f"
    assert body_lines(parse_document("a.md", text.encode())) == {1: text}


def test_text_is_composed() -> None:
    assert body_lines(parse_document("a.md", "e\u0301".encode())) == {1: "é"}


def test_the_fallback_title_is_the_name_of_the_file() -> None:
    assert fallback_title("docs/部署 指南.v2.md") == "部署 指南.v2"


@settings(deadline=None, derandomize=True)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"---\n{text}\n---\nx".encode("utf-8", "replace"))
)
def test_any_bytes_are_a_document_or_a_document_error(content: bytes) -> None:
    try:
        document = parse_document("a.md", content)
    except DocumentError as error:
        assert str(error).startswith("a.md: ")
        return
    lines = decode("a.md", content).replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert all(1 <= line <= lines + 1 for line in body_lines(document))


def test_control_characters_are_removed_so_that_they_do_not_reach_a_terminal() -> None:
    document = parse_document("a.md", b"---\ntitle: A\x07B\n---\n\none\x1b[31m two\x7f\n")
    assert (document.title, body_lines(document)) == ("AB", {5: "one[31m two"})


def test_invisible_characters_of_entities_are_removed_too() -> None:
    page = b"<html><head><title>a&#8203;b</title></head><body><p>pass&#8203;word &#xE0041;x</p></body></html>"
    document = parse_document("page.html", page)
    assert document.title == "ab"
    assert body_lines(document) == {1: "password x"}


def test_invisible_characters_are_removed_from_a_title_in_front_matter() -> None:
    assert parse_document("a.md", b'---\ntitle: "a\\u200bb"\n---\ntext').title == "ab"
