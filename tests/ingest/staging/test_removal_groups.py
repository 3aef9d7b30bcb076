"""Documents that are gone are removed in groups of a bounded number of chunks."""

from ingest.staging.removal_groups import group_removals
from rag.store.records import DocumentRecord


def groups(*chunks: int) -> list[list[int]]:
    documents = {f"{number:02}.md": record(f"{number:02}.md", count) for number, count in enumerate(chunks)}
    return [[documents[source].chunks for source in group] for group in group_removals(list(documents), documents)]


def record(source: str, chunks: int) -> DocumentRecord:
    return DocumentRecord(source, "hash", "pipeline", 1, 1, "Title", chunks)


def test_a_folder_of_small_documents_is_removed_at_once() -> None:
    assert groups(*[20] * 60) == [[20] * 60]


def test_a_group_has_a_bounded_number_of_chunks() -> None:
    assert groups(1000, 900, 1, 1899, 0, 5) == [[1000, 900], [1, 1899, 0], [5]]


def test_a_document_that_is_too_large_for_a_group_has_its_own() -> None:
    assert groups(3, 5000, 3) == [[3], [5000], [3]]


def test_nothing_gone_is_no_group() -> None:
    assert groups() == []
