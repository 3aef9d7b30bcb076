"""What an ingest has to do, from the files of a folder and a manifest."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.files.scan import File, scan
from ingest.staging.plan import Plan, check_mass_deletion, content_hash, make_plan
from rag.errors import KnowledgeError
from rag.store.records import Commit, DocumentRecord

ANY_SIZE = 1_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / name).write_text(f"text of {name}")
    return tmp_path


def files_of(root: Path) -> list[File]:
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
        for file in files_of(root)
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
    assert (plan.changed, plan.removed, plan.unchanged) == ((), (), ())
    assert not plan.is_empty


def test_a_folder_as_it_was_is_an_empty_plan(root: Path) -> None:
    plan = plan_of(root, manifest_of(root))
    assert plan.is_empty
    assert plan.unchanged == ("a.md", "b.md", "c.md")


def test_documents_are_added_changed_removed_and_unchanged(root: Path) -> None:
    manifest = manifest_of(root)
    (root / "a.md").write_text("another text")
    (root / "b.md").rename(root / "d.md")
    plan = plan_of(root, manifest)
    assert names(plan.changed) == ["a.md"]
    assert names(plan.added) == ["d.md"]
    assert plan.removed == ("b.md",)
    assert plan.unchanged == ("c.md",)
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


def live(documents: int, root: str = "/docs") -> Commit:
    return Commit(1, "s", "e", "f", 1, 1, "dense", "2024-01-01T00:00:00+00:00", root, documents, documents)


@pytest.mark.parametrize(("gone", "known"), [(0, 0), (0, 1), (1, 5), (2, 10), (20, 100), (199, 995)])
def test_up_to_a_fifth_of_the_documents_may_go(gone: int, known: int) -> None:
    check_mass_deletion(gone, live(known), "/docs")
    check_mass_deletion(gone, live(known), "/elsewhere")


@pytest.mark.parametrize(("gone", "known"), [(1, 1), (1, 4), (2, 9), (21, 100), (200, 999), (5, 5)])
def test_more_than_a_fifth_of_the_documents_may_not_go(gone: int, known: int) -> None:
    with pytest.raises(KnowledgeError, match=f"^{gone} of {known} documents are gone.*--allow-mass-deletion"):
        check_mass_deletion(gone, live(known), "/docs")


def test_another_folder_is_named_beside_the_one_before() -> None:
    with pytest.raises(KnowledgeError, match="made from /docs, the folder now is /other"):
        check_mass_deletion(5, live(5), "/other")


def test_nothing_is_deleted_from_a_store_without_a_generation() -> None:
    check_mass_deletion(0, None, "/docs")


@settings(deadline=None, derandomize=True)
@given(st.sets(st.sampled_from("abcdefgh")), st.sets(st.sampled_from("abcdefgh")), st.sets(st.sampled_from("abcdefgh")))
def test_a_plan_names_every_document_exactly_once(present: set[str], known: set[str], edited: set[str]) -> None:
    files = [File(name, Path("/nowhere"), Path(name), 1, 2 if name in edited else 1) for name in sorted(present)]
    manifest = {name: DocumentRecord(name, "", "p1", 1, 1, "", 1) for name in sorted(known)}
    plan = make_plan(files, manifest, pipeline_fingerprint="p1", max_bytes=10)
    parts = [set(names(plan.added)), set(names(plan.changed)), set(plan.removed), set(plan.unchanged)]
    assert parts == [present - known, present & known & edited, known - present, (present & known) - edited]
    assert names(plan.to_read) == sorted(parts[0] | parts[1])
