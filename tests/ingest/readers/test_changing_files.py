"""Files that change while they are read are named or read as they are then."""

import threading

import pytest

from ingest.staging.plan import Plan
from ingest.staging.report import Progress
from ingest.sync import ingest
from tests.kit.shelf import Shelf


def test_a_file_deleted_after_the_plan_is_named_and_keeps_its_old_version_until_the_next_ingest(shelf: Shelf) -> None:
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", "# Bad\n\nThe otter wakes.\n")
    report = shelf.ingest(on_plan=lambda plan: shelf.folder.delete("bad.md"))
    [failure] = report.failures
    assert (failure.source, failure.error) == ("bad.md", "cannot be read: No such file or directory")
    shelf.assert_neighbours_arrived()
    shelf.assert_old_version_answers()
    after = ingest(shelf.settings, shelf.store, shelf.embedder, allow_mass_deletion=True)
    assert (after.ok, after.documents.removed) == (True, 1)
    assert shelf.find("otter sleeps in the boathouse") == []


def test_a_file_deleted_while_others_are_staged_is_named(shelf: Shelf) -> None:
    shelf.edit_neighbours()
    shelf.folder.write("zebra.md", "# Zebra\n\nThe zebra is striped.\n")

    def delete(progress: Progress) -> None:
        (shelf.folder.root / "zebra.md").unlink(missing_ok=True)

    report = shelf.ingest(on_progress=delete)
    assert [failure.source for failure in report.failures] == ["zebra.md"]
    assert "zebra.md" not in shelf.store.snapshot().documents()
    shelf.assert_neighbours_arrived()


def test_a_file_changed_after_the_plan_is_read_as_it_is_then(shelf: Shelf) -> None:
    shelf.folder.write("bad.md", "# Bad\n\nThe otter wakes once.\n")
    report = shelf.ingest(on_plan=lambda plan: shelf.folder.write("bad.md", "# Bad\n\nThe otter wakes again.\n"))
    assert report.ok
    assert shelf.sources("otter wakes again") == {"bad.md"}
    assert shelf.find("otter wakes once") == []
    again = shelf.ingest()
    assert (again.generation, again.embedded) == (report.generation, 0)


@pytest.mark.parametrize("later", ["The otter wakes later.", "The otter wakes earlier."], ids=["same size", "longer"])
def test_a_file_changed_after_it_was_read_is_read_by_the_next_ingest(shelf: Shelf, later: str) -> None:
    shelf.folder.write("bad.md", "# Bad\n\nThe otter wakes first.\n")

    def change(progress: Progress) -> None:
        if progress.chunks:
            shelf.folder.write("bad.md", f"# Bad\n\n{later}\n")

    shelf.ingest(on_progress=change)
    assert shelf.sources("otter wakes first") == {"bad.md"}
    report = shelf.ingest()
    assert report.documents.changed == 1
    assert shelf.sources(later.removesuffix(".")) == {"bad.md"}
    assert shelf.find("otter wakes first") == []


def test_a_file_that_becomes_a_folder_after_the_plan_is_named(shelf: Shelf) -> None:
    shelf.folder.write("bad.md", "# Bad\n\nThe otter wakes.\n")

    def replace(plan: Plan) -> None:
        shelf.folder.delete("bad.md")
        shelf.folder.write("bad.md/inner.md", "# Inner\n")

    report = shelf.ingest(on_plan=replace)
    assert [failure.source for failure in report.failures] == ["bad.md"]
    shelf.assert_old_version_answers()


def test_files_that_come_and_go_all_the_time_never_stop_an_ingest(shelf: Shelf) -> None:
    ended = threading.Event()

    def stir() -> None:
        number = 0
        while not ended.is_set():
            path = shelf.folder.root / f"stirred{number % 5}.md"
            path.write_text(f"# Stirred\n\nNumber {number}.\n", encoding="utf-8")
            if number % 3:
                path.unlink()
            number += 1

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        for _ in range(5):
            ingest(shelf.settings, shelf.store, shelf.embedder, allow_mass_deletion=True)
    finally:
        ended.set()
        thread.join()
    report = ingest(shelf.settings, shelf.store, shelf.embedder, allow_mass_deletion=True)
    assert report.ok
    assert set(shelf.store.snapshot().documents()) == {*shelf.folder.sources(), "bad.html"}
    shelf.assert_old_version_answers()
