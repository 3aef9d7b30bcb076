"""Documents that are broken or hostile are named; their old versions and all others are unharmed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.chunking.chunks import chunk_sections
from ingest.parser_process import ParserProcess
from rag.errors import DocumentError
from rag.models.embedders.builtin import BuiltinEmbedder
from tests.kit.pictures import dump
from tests.kit.shelf import Shelf

pytestmark = pytest.mark.timeout(120)  # a parser that does not get away from such a document takes much longer


REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a NUL byte": ("bad.md", lambda: b"# Bad\n\nThe otter\0 wakes.\n", "line 3 contains a NUL byte"),
    "a picture": ("bad.md", lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\xff\xd8", "UTF-8"),
    "a line of 50 MB": ("bad.md", lambda: b"x" * 50_000_000, "larger than knowledge.max_file_bytes"),
}


@pytest.mark.parametrize(("source", "make", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_document_that_cannot_be_read_is_named_and_keeps_its_old_version(
    shelf: Shelf,
    capfd: pytest.CaptureFixture[str],
    source: str,
    make: Callable[[], bytes],
    words: str,
) -> None:
    shelf.edit_neighbours()
    shelf.folder.write(source, make())
    report = shelf.ingest()
    [failure] = report.failures
    assert failure.source == source
    assert words in failure.error
    assert "\n" not in failure.error
    assert len(failure.error) < 300
    assert not report.ok
    assert (report.documents.added, report.documents.changed, report.documents.failed) == (1, 1, 1)
    shelf.assert_neighbours_arrived()
    shelf.assert_old_version_answers()
    assert "Traceback" not in capfd.readouterr().err


def test_a_document_that_cannot_be_read_is_tried_again_until_it_is_repaired(shelf: Shelf) -> None:
    shelf.folder.write("bad.md", b"caf\xe9\n")
    first = shelf.ingest()
    second = shelf.ingest()
    assert [failure.source for failure in second.failures] == ["bad.md"]
    assert (first.generation, second.generation) == (1, 1)
    shelf.folder.write("bad.md", "# Mended\n\nThe otter moved to the mill.\n")
    third = shelf.ingest()
    assert third.ok
    assert (third.documents.changed, third.documents.unchanged) == (1, 2)
    assert shelf.sources("otter moved to the mill") == {"bad.md"}
    assert shelf.find("otter sleeps in the boathouse") == []


def test_a_new_document_that_cannot_be_read_is_named_and_leaves_nothing_behind(shelf: Shelf) -> None:
    before = dump(shelf.store)
    shelf.folder.write("fresh.md", b"# Fresh\n\nThe newt\0 is here.\n")
    report = shelf.ingest()
    assert [failure.source for failure in report.failures] == ["fresh.md"]
    assert (report.documents.added, report.documents.failed, report.documents.unchanged) == (0, 1, 3)
    assert dump(shelf.store) == before


def test_many_bad_documents_are_all_named_in_order(shelf: Shelf) -> None:
    for number in range(12):
        shelf.folder.write(f"broken{number:02}.md", b"caf\xe9\n" if number % 2 else b"\0")
    shelf.edit_neighbours()
    report = shelf.ingest()
    assert [failure.source for failure in report.failures] == [f"broken{number:02}.md" for number in range(12)]
    shelf.assert_neighbours_arrived()


def test_a_line_of_50_mb_within_a_raised_limit_is_named(shelf: Shelf) -> None:
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", b"x" * 50_000_000)
    report = shelf.ingest(max_file_bytes=60_000_000, max_seconds_per_document=2)
    assert [failure.source for failure in report.failures] == ["bad.md"]
    shelf.assert_neighbours_arrived()
    shelf.assert_old_version_answers()


SLOW = "<!--" * 400_000  # quadratic in a search for the end of the comment: minutes


def test_a_document_that_parses_too_slowly_is_cut_off_and_named(shelf: Shelf) -> None:
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", SLOW)
    report = shelf.ingest(max_seconds_per_document=1)
    [failure] = report.failures
    assert failure.source == "bad.md"
    assert failure.error == "takes longer than 1 s to parse (knowledge.max_seconds_per_document)"
    shelf.assert_neighbours_arrived()
    shelf.assert_old_version_answers()


def test_the_document_after_a_slow_one_is_parsed() -> None:
    with ParserProcess(timeout_seconds=1) as parser:
        for number in range(2):
            with pytest.raises(DocumentError, match=rf"^slow{number}\.md: takes longer than 1 s"):
                parser.parse(f"slow{number}.md", SLOW.encode())
            assert parser.parse("good.md", b"# Good\n\nfine\n").sections[0].heading_path == ("Good",)


def test_the_parser_process_has_ended_when_the_parser_is_closed() -> None:
    before = children()
    with ParserProcess(timeout_seconds=1) as parser:
        parser.parse("good.md", b"fine\n")
        assert len(children() - before) == 1
        with pytest.raises(DocumentError):
            parser.parse("slow.md", SLOW.encode())
        parser.parse("good.md", b"fine\n")
    assert children() - before == set()


def children() -> set[int]:
    return {int(name) for task in Path("/proc/self/task").iterdir() for name in (task / "children").read_text().split()}


def test_a_document_that_takes_too_long_to_chunk_is_named() -> None:
    with ParserProcess(timeout_seconds=20) as parser:
        parsed = parser.parse("long.md", "字".encode() * 1_500_000)
    with pytest.raises(DocumentError, match=r"^long\.md: takes longer than 1 s to chunk"):
        chunk_sections(
            parsed.document,
            parsed.sections,
            count_tokens=BuiltinEmbedder().count_tokens,
            max_tokens=320,
            timeout_seconds=1,
        )
