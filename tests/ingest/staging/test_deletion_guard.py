"""Which documents are lost, and when their deletion waits for a word."""

from dataclasses import replace
from pathlib import Path

import pytest

from ingest.files.scan import FolderScan, scan
from ingest.files.walk import OddPlace
from ingest.staging.deletion_guard import check_same_folder, documents_to_keep, hold_back_deletions, lost_documents
from ingest.staging.plan import Plan, content_hash
from rag.errors import KnowledgeError
from rag.store.records import Commit, DocumentRecord
from tests.kit.corpus import Folder

ANY_SIZE = 1_000_000


def live(documents: int, root: str = "/docs") -> Commit:
    return Commit(1, "s", "e", "f", 1, 1, "dense", "2024-01-01T00:00:00+00:00", root, documents, documents)


def gone(count: int) -> tuple[str, ...]:
    return tuple(f"{number:03}.md" for number in range(count))


def held_back(count: int, commit: Commit) -> int:
    plan = hold_back_deletions(Plan((), (), (*gone(count), "renamed.md"), 0), gone(count), commit)
    assert plan.removed == (("renamed.md",) if plan.held_back else (*gone(count), "renamed.md"))
    return len(plan.held_back)


@pytest.mark.parametrize(("count", "known"), [(0, 0), (1, 1), (1, 4), (9, 9), (9, 12), (10, 50), (20, 100), (199, 995)])
def test_up_to_nine_documents_or_a_fifth_may_go(count: int, known: int) -> None:
    assert held_back(count, live(known)) == 0


@pytest.mark.parametrize(("count", "known"), [(10, 10), (10, 49), (21, 100), (200, 999)])
def test_ten_documents_that_are_more_than_a_fifth_wait(count: int, known: int) -> None:
    assert held_back(count, live(known)) == count


def test_documents_that_are_added_meanwhile_do_not_make_those_that_wait_fewer() -> None:
    first = live(100)
    grown = replace(live(400), documents_before_loss=documents_to_keep(first))
    assert held_back(30, first) == held_back(30, grown) == 30
    assert held_back(20, grown) == 0
    assert documents_to_keep(grown) == 100


@pytest.mark.parametrize(("count", "known"), [(5, 5), (3, 5), (51, 100)])
def test_another_folder_with_little_in_common_is_refused_and_both_are_named(count: int, known: int) -> None:
    with pytest.raises(
        KnowledgeError, match=f"^{count} of {known} .* made from /docs, the folder now is /other.*--allow"
    ):
        check_same_folder(gone(count), live(known), "/other", "default")
    check_same_folder(gone(count), live(known), "/docs", "default")


def test_what_is_to_be_done_is_said_for_the_knowledge_base() -> None:
    with pytest.raises(KnowledgeError, match=r"`zhiwen ingest --kb handbook --allow-mass-deletion`"):
        check_same_folder(gone(3), live(5), "/other", "handbook")


@pytest.mark.parametrize(("count", "known"), [(0, 0), (2, 4), (50, 100)])
def test_a_folder_with_most_of_the_documents_is_the_same_one_elsewhere(count: int, known: int) -> None:
    check_same_folder(gone(count), live(known), "/other", "default")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    for name in ("a", "b", "c"):
        folder.write(f"{name}.md", f"text of {name}")
    return folder


def documents(folder: Folder) -> dict[str, DocumentRecord]:
    return {
        file.source: DocumentRecord(
            file.source, content_hash(file.read(ANY_SIZE)), "p1", file.size, file.modified_ns, "", 1
        )
        for file in look(folder).files
    }


def look(folder: Folder) -> FolderScan:
    return scan(folder.root, include=("*.md",))


def lost(folder: Folder, before: dict[str, DocumentRecord], *, max_bytes: int = ANY_SIZE) -> tuple[str, ...]:
    return lost_documents(look(folder), before, max_bytes=max_bytes)


def test_a_renamed_document_is_not_lost_and_a_deleted_one_is(folder: Folder) -> None:
    before = documents(folder)
    folder.rename("a.md", "sub/z.md")
    folder.delete("b.md")
    assert lost(folder, before) == ("b.md",)


def test_a_document_that_was_renamed_and_edited_is_lost(folder: Folder) -> None:
    before = documents(folder)
    folder.delete("a.md")
    folder.write("z.md", "text of z")  # as long as it was
    assert lost(folder, before) == ("a.md",)


def test_a_document_whose_text_another_one_has_is_not_lost(folder: Folder) -> None:
    folder.write("copy.md", "text of a")
    before = documents(folder)
    folder.delete("a.md")
    folder.rename("b.md", "c.md")
    assert lost(folder, before) == ()


def test_a_document_that_another_one_overwrote_is_lost_only_if_its_text_is_gone(folder: Folder) -> None:
    before = documents(folder)
    folder.delete("a.md")
    folder.write("b.md", "text of a")
    assert lost(folder, before) == ()
    folder.write("b.md", "text of d")
    assert lost(folder, before) == ("a.md",)


def test_a_document_in_a_place_that_cannot_be_read_is_not_lost(folder: Folder) -> None:
    before = documents(folder)
    before["team/d.md"] = replace(before["a.md"], source="team/d.md", content_hash="other")
    found = look(folder)
    assert lost_documents(found, before, max_bytes=ANY_SIZE) == ("team/d.md",)
    hiding = replace(found, unreadable=(OddPlace("team", "cannot be read"),))
    assert lost_documents(hiding, before, max_bytes=ANY_SIZE) == ()


def test_a_file_that_is_too_large_is_no_renamed_document(folder: Folder) -> None:
    before = documents(folder)
    folder.rename("a.md", "z.md")
    assert lost(folder, before, max_bytes=3) == ("a.md",)
