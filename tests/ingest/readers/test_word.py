"""Word documents as Markdown, cited by their blocks."""

from tests.kit.conversion import chunks_of, lines_of, text_of
from tests.kit.word_files import DOCX, docx_of, paragraph


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
