"""The text of a PDF, cited by its pages."""

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from tests.kit.conversion import chunks_of, conversion_error, text_of
from tests.kit.pdf_files import PDF, encrypted, pdf_of


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


def test_a_pdf_without_text_is_refused_with_the_reason() -> None:
    assert "contains no text" in conversion_error("a.pdf", pdf_of("", ""))
