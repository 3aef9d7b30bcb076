"""A PDF or Word file that is damaged is a document or an error of one line."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.parser_process import ParserProcess
from ingest.readers.parse import parse_document
from rag.errors import DocumentError
from tests.kit.conversion import conversion_error
from tests.kit.pdf_files import PDF, encrypted, with_aes
from tests.kit.word_files import DOCX, docx_of, docx_with

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
