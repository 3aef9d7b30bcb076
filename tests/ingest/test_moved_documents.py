"""A document that was only moved is neither read nor embedded, and the store shows what reading it would give."""

import subprocess

import pytest

from rag.models.embedders.scripted import ScriptedEmbedder
from tests.kit.corpus import NAMES, Library, document
from tests.kit.raw_rows import every_row


class UncutEmbedder(ScriptedEmbedder):
    """The same model; nothing can be cut for it."""

    def count_tokens(self, text: str) -> int:
        raise AssertionError(f"cut: {text!r}")


@pytest.fixture
def guides(library: Library) -> Library:
    for number, name in enumerate(NAMES):
        library.folder.write(f"guides/{name}.md", document(name, table=number % 2 == 0))
    library.ingest()
    library.begin_to_count()
    return library


def test_a_renamed_folder_is_not_cut(guides: Library) -> None:
    guides.folder.rename("guides", "handbook")
    report = guides.ingest(embedder=UncutEmbedder())
    assert report.ok
    assert (report.documents.added, report.documents.removed, report.embedded) == (8, 8, 0)
    assert report.chunks.added == report.chunks.removed
    assert report.chunks.unchanged + report.chunks.added == len(guides.chunks())
    assert guides.sources_with("harbour1") == {"handbook/harbour.md"}
    guides.assert_clean()


def test_a_folder_renamed_there_and_back_is_as_it_was(guides: Library) -> None:
    before = guides.live()
    for old, new in (("guides", "handbook"), ("handbook", "guides")):
        guides.folder.rename(old, new)
        guides.ingest(embedder=UncutEmbedder())
    assert guides.live() == before


def test_what_was_moved_stays_as_it_is_without_a_write(guides: Library) -> None:
    guides.folder.rename("guides/harbour.md", "port.md")
    guides.ingest()
    rows = every_row(guides.store)
    guides.begin_to_count()
    report = guides.ingest(embedder=UncutEmbedder())
    assert (report.documents.unchanged, guides.writes) == (14, 0)
    assert every_row(guides.store) == rows


def test_moves_and_other_changes_go_together(guides: Library) -> None:
    guides.folder.rename("guides/harbour.md", "port.md")
    guides.folder.edit("guides/lantern.md", "lantern1", "lamp1")
    guides.folder.rename("guides/lantern.md", "lamps.md")
    guides.folder.delete("guides/orchard.md")
    guides.folder.write("new.md", document("beacon"))
    report = guides.ingest()
    assert (report.documents.added, report.documents.removed) == (3, 3)
    assert not any("harbour" in text for text in guides.embedder.texts)
    guides.assert_clean()


def test_two_documents_that_swap_their_paths(guides: Library) -> None:
    """Neither path is gone, so both are changed."""
    guides.folder.rename("guides/harbour.md", "aside.md")
    guides.folder.rename("guides/lantern.md", "guides/harbour.md")
    guides.folder.rename("aside.md", "guides/lantern.md")
    report = guides.ingest()
    assert (report.documents.changed, report.embedded) == (2, 0)
    guides.assert_clean()


def test_a_document_whose_title_is_its_name_gets_the_new_one(library: Library) -> None:
    library.folder.write("notes.md", "Text without a heading.\n")
    library.ingest()
    library.folder.rename("notes.md", "plans.md")
    assert library.ingest().documents.removed == 1
    assert {chunk.title for chunk in library.chunks() if chunk.source == "plans.md"} == {"plans"}
    library.assert_clean()


def test_a_file_with_another_suffix_is_read_again(library: Library) -> None:
    library.folder.write("page.md", "# Page\n\n*Text* of the page.\n")
    library.ingest()
    library.folder.rename("page.md", "page.txt")
    library.ingest()
    assert any("*Text*" in chunk.content for chunk in library.chunks())
    library.assert_clean()


def test_a_moved_document_has_the_date_of_its_new_path(library: Library) -> None:
    root = library.folder.root
    library.folder.write("dated.md", "---\ndate: 2024-02-29\n---\n\n# Dated\n\nIt says so.\n")
    library.ingest()
    for old, new in (("a.md", "old/a.md"), ("dated.md", "old/dated.md")):
        library.folder.rename(old, new)
    git = ["git", "-C", str(root), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "Move", "--date", "2025-05-05T12:00:00"], check=True)
    library.ingest(embedder=UncutEmbedder())
    documents = library.store.snapshot().documents()
    dates = {source: (record.dated, record.dated_by) for source, record in documents.items()}
    assert dates["old/a.md"] == ("2025-05-05", "git")
    assert dates["old/dated.md"] == ("2024-02-29", "front matter")


def test_progress_counts_what_was_moved(guides: Library) -> None:
    guides.folder.rename("guides", "handbook")
    seen: list[tuple[int, int]] = []
    guides.ingest(on_progress=lambda progress: seen.append((progress.documents, progress.documents_total)))
    assert seen[-1] == (8, 8)
