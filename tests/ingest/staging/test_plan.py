"""What an ingest has to do, from the files of a folder and a manifest."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.files.scan import File, FolderScan, scan
from ingest.files.walk import OddPlace
from ingest.staging.plan import Plan, content_hash, make_plan
from rag.store.records import DocumentRecord

ANY_SIZE = 1_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / name).write_text(f"text of {name}")
    return tmp_path


def files_of(root: Path) -> FolderScan:
    return scan(root, include=("*.md",))


def manifest_of(root: Path) -> dict[str, DocumentRecord]:
    """The manifest that an ingest of the folder as it is would have written."""
    return {
        file.source: DocumentRecord(
            source=file.source,
            content_hash=content_hash(file.read(ANY_SIZE)),
            pipeline_fingerprint="p1",
            size=file.size,
            modified_ns=file.modified_ns,
            title="",
            chunks=1,
        )
        for file in files_of(root).files
    }


def plan_of(
    root: Path,
    manifest: dict[str, DocumentRecord],
    *,
    fingerprint: str = "p1",
    max_bytes: int = ANY_SIZE,
    verify: bool = False,
) -> Plan:
    return make_plan(files_of(root), manifest, pipeline_fingerprint=fingerprint, max_bytes=max_bytes, verify=verify)


def names(files: tuple[File, ...]) -> list[str]:
    return [file.source for file in files]


def test_every_document_is_new_to_an_empty_manifest(root: Path) -> None:
    plan = plan_of(root, {})
    assert names(plan.added) == names(plan.to_read) == ["a.md", "b.md", "c.md"]
    assert (plan.changed, plan.removed, plan.unchanged) == ((), (), 0)
    assert not plan.is_empty


def test_a_folder_as_it_was_is_an_empty_plan(root: Path) -> None:
    plan = plan_of(root, manifest_of(root))
    assert plan.is_empty
    assert plan.unchanged == 3


def test_documents_are_added_changed_removed_and_unchanged(root: Path) -> None:
    manifest = manifest_of(root)
    (root / "a.md").write_text("another text")
    (root / "b.md").rename(root / "d.md")
    plan = plan_of(root, manifest)
    assert names(plan.changed) == ["a.md"]
    assert names(plan.added) == ["d.md"]
    assert plan.removed == ("b.md",)
    assert plan.unchanged == 1
    assert names(plan.to_read) == ["a.md", "d.md"]


def test_a_touched_file_is_unchanged(root: Path) -> None:
    manifest = manifest_of(root)
    os.utime(root / "a.md", ns=(1, 1))
    assert plan_of(root, manifest).is_empty


def test_an_edit_of_the_same_size_is_noticed_by_its_time(root: Path) -> None:
    manifest = manifest_of(root)
    before = (root / "a.md").stat().st_mtime_ns
    (root / "a.md").write_text("TEXT OF A.MD")
    os.utime(root / "a.md", ns=(before, before + 1))
    assert names(plan_of(root, manifest).changed) == ["a.md"]


def test_verify_notices_an_edit_of_the_same_size_and_time(root: Path) -> None:
    manifest = manifest_of(root)
    before = (root / "a.md").stat().st_mtime_ns
    (root / "a.md").write_text("TEXT OF A.MD")
    os.utime(root / "a.md", ns=(before, before))
    assert plan_of(root, manifest).is_empty
    assert names(plan_of(root, manifest, verify=True).changed) == ["a.md"]


def test_verify_finds_nothing_where_nothing_changed(root: Path) -> None:
    assert plan_of(root, manifest_of(root), verify=True).is_empty


def test_another_pipeline_fingerprint_changes_every_document(root: Path) -> None:
    plan = plan_of(root, manifest_of(root), fingerprint="p2")
    assert names(plan.changed) == ["a.md", "b.md", "c.md"]


def test_a_document_without_a_pipeline_fingerprint_is_read_again(root: Path) -> None:
    manifest = manifest_of(root)
    manifest["b.md"] = replace(manifest["b.md"], pipeline_fingerprint="")
    assert names(plan_of(root, manifest).changed) == ["b.md"]


def test_a_file_that_cannot_be_read_is_read_again_as_a_changed_one(root: Path) -> None:
    manifest = manifest_of(root)
    files = files_of(root)
    (root / "a.md").unlink()
    os.mkfifo(root / "a.md")
    plan = make_plan(files, manifest, pipeline_fingerprint="p1", max_bytes=ANY_SIZE, verify=True)
    assert names(plan.changed) == ["a.md"]


def test_a_file_over_the_size_limit_is_read_again_as_a_changed_one(root: Path) -> None:
    plan = plan_of(root, manifest_of(root), max_bytes=5, verify=True)
    assert names(plan.changed) == ["a.md", "b.md", "c.md"]


def test_documents_in_a_place_that_cannot_be_read_are_hidden_and_not_gone(root: Path) -> None:
    manifest = {**manifest_of(root)}
    for source in ("sub/d.md", "sub.md", "e.md"):
        manifest[source] = replace(manifest["a.md"], source=source)
    found = FolderScan(
        files_of(root).by_source, (OddPlace("sub", "cannot be read"), OddPlace("e.md", "cannot be read"))
    )
    plan = make_plan(found, manifest, pipeline_fingerprint="p1", max_bytes=ANY_SIZE)
    assert (plan.hidden, plan.removed) == (("e.md", "sub/d.md"), ("sub.md",))
    assert plan.kept == plan.hidden


def test_hidden_documents_of_the_live_generation_are_known_in_a_new_namespace(root: Path) -> None:
    found = FolderScan(files_of(root).by_source, (OddPlace("sub", "cannot be read"),))
    live = ["sub/d.md", "gone.md"]
    plan = make_plan(found, {}, pipeline_fingerprint="p1", max_bytes=ANY_SIZE, live=live)
    assert (plan.hidden, plan.removed, len(plan.added)) == (("sub/d.md",), (), 3)


def test_unchanged_documents_without_passages_are_counted(root: Path) -> None:
    manifest = manifest_of(root)
    manifest["a.md"] = replace(manifest["a.md"], chunks=0)
    manifest["b.md"] = replace(manifest["b.md"], chunks=0, content_hash="other", size=1)
    assert plan_of(root, manifest).without_passages == 1


@settings(deadline=None, derandomize=True)
@given(st.sets(st.sampled_from("abcdefgh")), st.sets(st.sampled_from("abcdefgh")), st.sets(st.sampled_from("abcdefgh")))
def test_a_plan_names_every_document_exactly_once(present: set[str], known: set[str], edited: set[str]) -> None:
    files = [File(name, Path("/nowhere"), name, 1, 2 if name in edited else 1) for name in sorted(present)]
    manifest = {name: DocumentRecord(name, "", "p1", 1, 1, "", 1) for name in sorted(known)}
    plan = make_plan(
        FolderScan({file.source: file for file in files}), manifest, pipeline_fingerprint="p1", max_bytes=10
    )
    parts = [set(names(plan.added)), set(names(plan.changed)), set(plan.removed)]
    assert parts == [present - known, present & known & edited, known - present]
    assert plan.unchanged == len((present & known) - edited)
    assert names(plan.to_read) == sorted(parts[0] | parts[1])
