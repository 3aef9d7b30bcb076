"""What is odd in the folder stops nothing else, and takes nothing away that was live."""

import os
from pathlib import Path

import pytest

from ingest.live_documents import load_live_document
from ingest.sync import ingest, preview
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store.records import Commit
from tests.kit.corpus import BASE, Library, document
from tests.kit.permissions import forbidden

ANOTHER_FINGERPRINT = "fedcba9876543210"


def test_documents_below_a_folder_that_cannot_be_read_keep_their_old_version(library: Library) -> None:
    library.folder.edit("a.md", "red", "green")
    library.folder.delete("c.md")
    with forbidden(library.folder.root / "sub"):
        report = library.ingest()
        again = library.ingest()
    for each in (report, again):
        assert [(failure.source, failure.error) for failure in each.failures] == [
            ("sub", "cannot be read: Permission denied")
        ]
        assert (each.documents.failed, each.ok) == (2, False)
    assert (report.documents.changed, report.documents.removed) == (1, 1)
    assert library.store.snapshot().documents().keys() == BASE.keys() - {"c.md"}
    assert library.sources_with("docker") == {"sub/d.md"}
    assert library.ingest().ok
    library.assert_clean()


def test_they_keep_it_under_a_new_embedder_too_and_are_read_again_later(library: Library) -> None:
    other = ScriptedEmbedder(fingerprint=ANOTHER_FINGERPRINT)
    with forbidden(library.folder.root / "sub"):
        report = ingest(library.settings, library.store, other)
    assert (report.documents.added, report.documents.failed) == (len(BASE) - 2, 2)
    assert library.sources_with("docker") == {"sub/d.md"}
    after = ingest(library.settings, library.store, other)
    assert (after.ok, after.documents.changed, after.documents.unchanged) == (True, 2, len(BASE) - 2)


def test_deletions_are_held_back_under_a_new_embedder_too(library: Library) -> None:
    for number in range(30):
        library.folder.write(f"many/{number:02}.md", document(f"beacon{number:02}x", paragraphs=1))
    library.ingest()
    for number in range(20):
        library.folder.delete(f"many/{number:02}.md")
    other = ScriptedEmbedder(fingerprint=ANOTHER_FINGERPRINT)
    for _ in range(2):
        report = ingest(library.settings, library.store, other)
        assert (report.deletions_held_back, report.documents.removed) == (20, 0)
        assert library.sources_with("beacon07x0") == {"many/07.md"}
    report = ingest(library.settings, library.store, other, allow_mass_deletion=True)
    assert (report.documents.removed, report.deletions_held_back) == (20, 0)
    assert library.sources_with("beacon07x0") == set()


def test_additions_do_not_release_deletions_that_are_held_back(library: Library) -> None:
    for number in range(10):
        library.folder.write(f"many/{number}.md", f"# Beacon\n\nbeacon{number}\n")
    library.ingest()
    for number in range(10):
        library.folder.delete(f"many/{number}.md")
    for number in range(60):
        library.folder.write(f"new/{number}.md", f"# New\n\nnew{number}\n")
    assert library.ingest().deletions_held_back == 10
    library.folder.edit("a.md", "red", "green")
    assert library.ingest().deletions_held_back == 10
    assert preview(library.settings, library.store, library.embedder).held_back
    for number in range(10):
        library.folder.write(f"many/{number}.md", f"# Beacon\n\nbeacon{number} is back\n")
    report = library.ingest()
    assert (report.deletions_held_back, report.documents.changed) == (0, 10)
    library.assert_clean()


def test_a_commit_without_held_deletions_is_as_earlier_versions_wrote_it(library: Library) -> None:
    commit = library.store.snapshot().commit
    assert "documents_before_loss" not in commit.as_payload()
    assert Commit.from_payload(commit.as_payload()) == commit


@pytest.mark.parametrize("renamed", ["folder", "documents"])
def test_renaming_most_of_a_folder_is_no_deletion(library: Library, renamed: str) -> None:
    for number in range(20):
        library.folder.write(f"many/{number}.md", f"# Beacon {number}\n\nbeacon{number}\n")
    library.ingest()
    library.begin_to_count()
    if renamed == "folder":
        library.folder.rename("many", "guides/many")
    else:
        for number in range(20):
            library.folder.rename(f"many/{number}.md", f"many/n{number}.md")
    report = library.ingest()
    assert (report.ok, report.deletions_held_back, report.embedded) == (True, 0, 0)
    assert (report.documents.added, report.documents.removed) == (20, 20)
    library.assert_clean()


def edited(text: str, edit: str) -> str:
    return {
        "links": text.replace("(../a.md)", "(../../a.md)"),
        "line ends": text.replace("\n", "\r\n"),
        "a section": f"{text}\n## Added\n\nIt was painted.\n",
        "a title": text.replace("# Beacon", "# Lamp"),
    }[edit]


@pytest.mark.parametrize("edit", ["links", "line ends", "a section", "a title"])
def test_documents_that_were_moved_and_edited_are_no_deletions(library: Library, edit: str) -> None:
    texts = {number: f"# Beacon {number}\n\nbeacon{number} is [lit](../a.md) at dusk.\n" for number in range(20)}
    for number, text in texts.items():
        library.folder.write(f"many/{number}.md", text)
    library.ingest()
    for number, text in texts.items():
        library.folder.delete(f"many/{number}.md")
        library.folder.write(f"many/sub/{number}.md", edited(text, edit))
    report = library.ingest()
    assert (report.ok, report.deletions_held_back, report.message) == (True, 0, "")
    assert (report.documents.added, report.documents.removed) == (20, 20)
    assert library.sources_with("beacon7") == {"many/sub/7.md"}
    library.assert_clean()
    assert library.ingest().documents.unchanged == len(BASE) + 20


def test_documents_that_were_rewritten_under_other_names_are_held_back(library: Library) -> None:
    for number in range(30):
        library.folder.write(f"many/{number}.md", f"# Beacon\n\nbeacon{number} is lit.\n")
    library.ingest()
    for number in range(30):
        library.folder.delete(f"many/{number}.md")
        said = "is lit.\r\n" if number < 12 else "is out.\n"
        library.folder.write(f"new/{number}.md", f"# Beacon\n\nbeacon{number} {said}")
    report = library.ingest()
    assert (report.deletions_held_back, report.documents.removed) == (18, 12)
    assert report.message.startswith("18 documents are gone")
    assert library.sources_with("beacon11") == {"new/11.md"}
    assert library.sources_with("beacon12") == {"many/12.md", "new/12.md"}


def test_a_linked_document_is_ingested_once_and_costs_nothing_the_next_time(library: Library) -> None:
    library.folder.write(".data/a.md", "# Linked\n\nThe linked kestrel.\n")
    (library.folder.root / "linked").symlink_to(".data")
    (library.folder.root / "kestrel.md").symlink_to(".data/a.md")
    assert library.ingest().documents.added == 2
    assert library.sources_with("kestrel") == {"kestrel.md", "linked/a.md"}
    library.begin_to_count()
    assert library.ingest().ok
    assert (library.writes, library.embedder.calls) == (0, 0)


def test_a_linked_document_is_shown_as_its_file_has_it_while_the_link_stays_in_the_folder(
    library: Library, tmp_path: Path
) -> None:
    library.folder.write(".data/a.md", "# Linked\n\nThe linked kestrel.\n")
    link = library.folder.root / "kestrel.md"
    link.symlink_to(".data/a.md")
    library.ingest()
    snapshot, knowledge = library.store.snapshot(), library.settings.knowledge
    assert load_live_document("kestrel.md", snapshot, knowledge).content == b"# Linked\n\nThe linked kestrel.\n"
    (library.folder.root / ".data/a.md").rename(tmp_path / "a.md")
    link.unlink()
    link.symlink_to(tmp_path / "a.md")
    assert load_live_document("kestrel.md", snapshot, knowledge).content is None


def test_documents_without_passages_are_counted_whether_they_are_read_or_not(library: Library) -> None:
    library.folder.write("x.md", "")
    library.folder.write("y.md", "<!-- nothing -->\n")
    assert library.ingest().without_passages == 2
    os.utime(library.folder.root / "x.md", ns=(1, 1))
    assert library.ingest().without_passages == 2
    library.folder.write("x.md", "# X\n\ntext\n")
    assert library.ingest().without_passages == 1


def test_a_warning_makes_no_ingest_fail(library: Library) -> None:
    (library.folder.root / "again").symlink_to("sub")
    report = library.ingest()
    assert (report.ok, [warning.source for warning in report.warnings]) == (True, ["again"])
