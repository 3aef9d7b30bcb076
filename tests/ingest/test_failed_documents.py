"""A document that cannot be parsed is not parsed again, until something has changed that may make a difference."""

from dataclasses import replace

import pytest

from ingest.estimate import estimate_seconds
from ingest.parser_process import ParsedDocument, ParserProcess
from ingest.staging import failed_documents
from ingest.sync import ingest, preview
from rag.errors import DocumentError
from rag.store.records import FailedDocument
from tests.kit.corpus import Library

BROKEN = b"# A\n\n\0\n"
OTHER = b"# A\n\n\0\0\n"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources of the documents that are parsed."""
    sources: list[str] = []
    parse = ParserProcess.parse

    def note(self: ParserProcess, source: str, content: bytes) -> ParsedDocument:
        sources.append(source)
        return parse(self, source, content)

    monkeypatch.setattr(ParserProcess, "parse", note)
    return sources


def test_it_is_reported_each_time_and_parsed_once(library: Library, parsed: list[str]) -> None:
    library.folder.write("broken.md", BROKEN)
    first = library.ingest()
    library.begin_to_count()
    again = [library.ingest() for _ in range(3)]
    assert parsed == ["broken.md"]
    assert library.writes == 0
    assert not first.ok
    for report in again:
        assert (report.failures, report.documents) == (first.failures, first.documents)
    plan = preview(library.settings, library.store, library.embedder)
    assert estimate_seconds(library.settings, library.store, library.embedder, plan) is None
    assert parsed == ["broken.md"]
    assert library.writes == 0


def test_a_document_with_an_old_version_keeps_it_and_is_parsed_once(library: Library, parsed: list[str]) -> None:
    before = library.live()
    library.folder.write("a.md", BROKEN)
    library.ingest()
    library.ingest()
    assert parsed == ["a.md"]
    assert library.live() == before


def test_other_bytes_are_parsed_and_the_same_bytes_with_another_time_are_not(
    library: Library, parsed: list[str]
) -> None:
    library.folder.write("broken.md", BROKEN)
    library.ingest()
    library.folder.touch("broken.md")
    library.ingest()
    assert parsed == ["broken.md"]
    library.folder.write("broken.md", OTHER)
    library.ingest()
    assert parsed == ["broken.md"] * 2


def test_it_is_tried_again_if_told_or_with_other_programs_limits_or_embedder(
    library: Library, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.folder.write("broken.md", BROKEN)
    library.ingest()
    library.ingest(verify=True)
    assert parsed == ["broken.md"] * 2
    knowledge = library.settings.knowledge.model_copy(update={"max_seconds_per_document": 30.0})
    patient = library.settings.model_copy(update={"knowledge": knowledge})
    ingest(patient, library.store, library.embedder)
    assert parsed == ["broken.md"] * 3
    monkeypatch.setattr(failed_documents, "distributions", lambda: [])
    library.ingest()
    assert parsed == ["broken.md"] * 4
    library.ingest()
    assert parsed == ["broken.md"] * 4


def test_a_document_that_was_mended_or_removed_is_forgotten(library: Library, parsed: list[str]) -> None:
    for source in ("mended.md", "gone.md", "still.md"):
        library.folder.write(source, BROKEN)
    library.ingest()
    assert set(library.store.notes.failed_documents()) == {"mended.md", "gone.md", "still.md"}
    library.folder.write("mended.md", "# Fine\n\nagain\n")
    library.folder.delete("gone.md")
    report = library.ingest()
    assert [failure.source for failure in report.failures] == ["still.md"]
    assert set(library.store.notes.failed_documents()) == {"still.md"}
    library.folder.delete("still.md")
    assert library.ingest().ok
    assert library.store.notes.failed_documents() == {}
    library.assert_clean()


def test_many_documents_are_noted_in_one_write_and_forgotten_in_another(library: Library) -> None:
    """Each deletion from a file takes 0.1 s, however few rows it is of."""
    failed = [FailedDocument(f"{number}.md", "hash", "recipe", "broken") for number in range(300)]
    library.begin_to_count()
    library.store.notes.note_failed(failed)
    assert library.store.notes.failed_documents() == {each.source: each for each in failed}
    assert library.writes == 1
    library.store.notes.forget_failed([each.source for each in failed[1:]])
    assert library.store.notes.failed_documents() == {"0.md": failed[0]}
    assert library.writes == 2


def test_a_file_that_cannot_be_opened_is_tried_each_time(library: Library, parsed: list[str]) -> None:
    library.folder.write("large.md", "x" * 10_000)
    knowledge = library.settings.knowledge.model_copy(update={"max_file_bytes": 5000})
    small = replace(library, settings=library.settings.model_copy(update={"knowledge": knowledge}))
    assert not small.ingest().ok
    assert library.store.notes.failed_documents() == {}
    assert library.ingest().ok


def test_a_long_error_is_kept_in_part(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: ParserProcess, source: str, content: bytes) -> ParsedDocument:
        raise DocumentError("x" * 100_000)

    monkeypatch.setattr(ParserProcess, "parse", fail)
    library.folder.write("broken.md", BROKEN)
    library.ingest()
    (failure,) = library.ingest().failures
    assert failure.error == "x" * 1000
