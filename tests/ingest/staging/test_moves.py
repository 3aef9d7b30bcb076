"""Which of the added files are documents that are gone from another path."""

from pathlib import Path

from ingest.files.scan import FolderScan, scan
from ingest.staging.moves import find_moves
from ingest.staging.plan import Plan, content_hash, make_plan
from rag.store.records import DocumentRecord

ANY_SIZE = 1_000_000


def files_of(root: Path) -> FolderScan:
    return scan(root, include=("*.md",))


def manifest_of(root: Path) -> dict[str, DocumentRecord]:
    return {
        file.source: DocumentRecord(
            file.source, content_hash(file.read(ANY_SIZE)), "p1", file.size, file.modified_ns, "Title", chunks=1
        )
        for file in files_of(root).files
    }


def plan_of(
    root: Path, manifest: dict[str, DocumentRecord], *, fingerprint: str = "p1", max_bytes: int = ANY_SIZE
) -> Plan:
    plan = make_plan(files_of(root), manifest, pipeline_fingerprint=fingerprint, max_bytes=max_bytes)
    return find_moves(plan, manifest, pipeline_fingerprint=fingerprint, max_bytes=max_bytes)


def moves(plan: Plan) -> dict[str, str]:
    return {move.record.source: move.file.source for move in plan.moved}


def write(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        (root / f"{name}.md").write_text(text)


def rename(root: Path, old: str, new: str) -> None:
    (root / f"{old}.md").rename(root / f"{new}.md")


def test_a_renamed_file_is_added_and_removed_but_not_read(tmp_path: Path) -> None:
    write(tmp_path, a="apples", b="bread", c="cheese")
    manifest = manifest_of(tmp_path)
    rename(tmp_path, "a", "z")
    write(tmp_path, c="chairs")
    plan = plan_of(tmp_path, manifest)
    assert moves(plan) == {"a.md": "z.md"}
    assert ([file.source for file in plan.added], plan.removed) == (["z.md"], ("a.md",))
    assert [file.source for file in plan.to_read] == ["c.md"]
    assert plan.bytes_to_read == len("chairs")


def test_a_copy_of_a_document_that_stays_is_read(tmp_path: Path) -> None:
    write(tmp_path, a="apples")
    manifest = manifest_of(tmp_path)
    write(tmp_path, z="apples")
    assert moves(plan_of(tmp_path, manifest)) == {}


def test_each_document_that_is_gone_is_moved_to_one_file(tmp_path: Path) -> None:
    write(tmp_path, a="same", b="same")
    manifest = manifest_of(tmp_path)
    rename(tmp_path, "a", "x")
    rename(tmp_path, "b", "y")
    write(tmp_path, z="same")
    plan = plan_of(tmp_path, manifest)
    assert moves(plan) == {"a.md": "x.md", "b.md": "y.md"}
    assert [file.source for file in plan.to_read] == ["z.md"]


def test_a_document_of_another_pipeline_or_without_chunks_is_not_moved(tmp_path: Path) -> None:
    write(tmp_path, a="apples", b="bread")
    manifest = manifest_of(tmp_path)
    manifest["b.md"] = DocumentRecord("b.md", content_hash(b"bread"), "p1", 5, 1, "Title", chunks=0)
    rename(tmp_path, "a", "x")
    rename(tmp_path, "b", "y")
    assert moves(plan_of(tmp_path, manifest)) == {"a.md": "x.md"}
    assert moves(plan_of(tmp_path, manifest, fingerprint="p2")) == {}


def test_a_file_that_cannot_be_read_is_not_moved(tmp_path: Path) -> None:
    write(tmp_path, a="apples", b="bread")
    manifest = manifest_of(tmp_path)
    rename(tmp_path, "a", "x")
    plan = plan_of(tmp_path, manifest, max_bytes=5)
    assert moves(plan) == {}
    assert [file.source for file in plan.to_read] == ["x.md"]
