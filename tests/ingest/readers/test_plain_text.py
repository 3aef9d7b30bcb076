"""In plain text every character means itself."""

import pytest
from hypothesis import given, settings

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from tests.kit.conversion import PUNCTUATION, chunks_of, text_of

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
    assert text_of("a.txt", f"before\n\n{line}\n\nafter\n") == f"before\n\n{line.rstrip()}\n\nafter"


@pytest.mark.parametrize("underline", ["=====", "-----", "-", "="])
def test_in_plain_text_an_underlined_line_is_not_a_heading(underline: str) -> None:
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
    """A log or a list of addresses is one paragraph; a citation of the whole file would be useless."""
    document = parse_document("a.txt", "".join(f"entry {number} is here\n" for number in range(1, 201)).encode())
    chunks = chunk_document(document, count_tokens=len, max_tokens=320)
    [chunk] = [chunk for chunk in chunks if "entry 150 " in chunk.content]
    assert chunk.start_line <= 150 <= chunk.end_line
    assert chunk.end_line - chunk.start_line < 50


def test_plain_text_without_words_has_no_chunks() -> None:
    assert chunks_of("a.txt", "") == []
    assert chunks_of("a.txt", "\n \n\t\n") == []


@settings(deadline=None, derandomize=True, max_examples=300)
@given(PUNCTUATION)
def test_plain_text_loses_and_gains_only_white_space(text: str) -> None:
    assert "".join(text_of("a.txt", text).split()) == "".join(text.split())
