"""Documents that are deep, wide, long, empty or alike are read, and others are unharmed."""

import shutil
from pathlib import Path

import pytest

from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store.store import Store
from tests.kit.corpus import Folder, settings_for
from tests.kit.shelf import Shelf

pytestmark = pytest.mark.timeout(120)  # a parser that does not get away from such a document takes much longer

DEEP = 10_000


AFTER = "\n\nAfterwards the pelican lands.\n"


NESTED = {
    "quotes": "> " * DEEP + "deep",
    "bullets": "- " * DEEP + "deep",
    "numbers": "1. " * DEEP + "deep",
    "indented bullets": "\n".join(f"{' ' * 2 * depth}- deep" for depth in range(1000)),
    "brackets": "[" * DEEP + "deep" + "]" * DEEP,
    "emphasis": "*deep **deep " * DEEP,
}


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED.keys())
def test_nesting_10_000_deep_is_named_or_read_with_the_text_after_it(shelf: Shelf, nested: str) -> None:
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", f"# Nested\n\n{nested}{AFTER}")
    report = shelf.ingest()
    shelf.assert_neighbours_arrived()
    if report.failures:
        assert [failure.source for failure in report.failures] == ["bad.md"]
        shelf.assert_old_version_answers()
    else:
        assert shelf.sources("Afterwards the pelican lands.") == {"bad.md"}


def test_a_table_of_200_columns_is_found_by_row_and_by_cell(shelf: Shelf) -> None:
    columns = range(200)
    rows = ["".join(f"| head{column} " for column in columns) + "|", "|---" * 200 + "|"]
    rows += ["".join(f"| cell{row}x{column} " for column in columns) + "|" for row in range(5)]
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", "# Wide\n\n" + "\n".join(rows) + "\n")
    report = shelf.ingest()
    assert report.failures == []
    for column in (0, 1, 99, 199):
        chunks = shelf.find(f"head{column}: cell3x{column}")
        assert chunks
        assert {(chunk.source, chunk.start_line, chunk.end_line) for chunk in chunks} == {("bad.md", 8, 8)}
    shelf.assert_neighbours_arrived()


def test_a_paragraph_of_30_000_characters_without_a_space_is_cut_without_loss(shelf: Shelf) -> None:
    alphabet = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"
    text = "".join(alphabet[number * number % 24] for number in range(30_000))
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", text)
    report = shelf.ingest()
    assert report.failures == []
    shelf.assert_neighbours_arrived()
    chunks = [chunk for chunk in shelf.store.snapshot().chunks() if chunk.source == "bad.md"]
    assert "".join(chunk.content for chunk in sorted(chunks, key=lambda chunk: chunk.position)) == text
    assert all(shelf.embedder.count_tokens(chunk.searchable_text) <= 160 for chunk in chunks)


def test_a_code_fence_that_is_never_closed_is_code_to_the_end(shelf: Shelf) -> None:
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", "# Bad\n\nThe otter codes.\n\n```python\notter = sleep(8)\n\n# still code\n")
    assert shelf.ingest().failures == []
    [chunk] = shelf.find("otter = sleep(8)")
    assert chunk.kind in ("code", "text")
    assert chunk.start_line <= 6 <= chunk.end_line
    assert shelf.find("# still code")
    shelf.assert_neighbours_arrived()


def test_headings_that_are_all_the_same_keep_their_texts_apart(shelf: Shelf) -> None:
    count = 300
    shelf.edit_neighbours()
    shelf.folder.write(
        "bad.md", "# Bad\n\n" + "".join(f"## Example\n\nCase number{number} here.\n\n" for number in range(count))
    )
    assert shelf.ingest().failures == []
    [chunk] = shelf.find("Case number217 here.")
    assert (chunk.heading_path, chunk.anchor) == (("Bad", "Example"), "example-217")
    assert chunk.start_line == chunk.end_line == 3 + 4 * 217 + 2
    chunks = [chunk for chunk in shelf.store.snapshot().chunks() if chunk.source == "bad.md"]
    assert len({chunk.id for chunk in chunks}) == len({chunk.anchor for chunk in chunks}) == len(chunks) == count
    shelf.assert_neighbours_arrived()


def test_the_same_heading_and_text_many_times_are_as_many_passages(shelf: Shelf) -> None:
    shelf.folder.write("bad.md", "## Example\n\nThe same words.\n\n" * 50)
    assert shelf.ingest().failures == []
    chunks = [chunk for chunk in shelf.store.snapshot().chunks() if chunk.source == "bad.md"]
    assert sorted(chunk.start_line for chunk in chunks) == [3 + 4 * number for number in range(50)]
    assert len({chunk.id for chunk in chunks}) == 50


def test_a_file_without_text_is_a_document_without_passages(shelf: Shelf) -> None:
    shelf.edit_neighbours()
    contents = ["", "\n", " \n\t\n", "\ufeff", "---\ntitle: Empty\n---\n", "<!-- nothing -->\n"]
    for number, content in enumerate(contents):
        shelf.folder.write(f"empty{number}.md", content)
    shelf.folder.write("bad.md", "")
    report = shelf.ingest()
    assert report.failures == []
    assert (report.documents.added, report.documents.changed) == (1 + len(contents), 2)
    assert {"bad.md", "empty0.md", "empty5.md"} <= set(shelf.store.snapshot().documents())
    assert shelf.find("otter sleeps in the boathouse") == []
    shelf.assert_neighbours_arrived()
    again = shelf.ingest()
    assert (again.documents.unchanged, again.generation) == (4 + len(contents), report.generation)


def test_a_folder_of_empty_documents_finds_nothing_and_raises_nothing(empty_shelf: Shelf) -> None:
    assert empty_shelf.find("anything") == []


def test_a_folder_of_one_empty_file_can_be_filled(empty_shelf: Shelf) -> None:
    empty_shelf.folder.write("empty.md", "# No longer\n\nThe otter is back.\n")
    empty_shelf.folder.write("more.md", "# More\n\nThe heron is back.\n")
    assert empty_shelf.ingest().ok
    assert empty_shelf.sources("otter is back") == {"empty.md"}
    assert empty_shelf.sources("heron is back") == {"more.md"}


def test_a_folder_can_be_emptied_of_text_and_filled_again_by_another_process(ingested: Path, tmp_path: Path) -> None:
    shutil.copytree(ingested / "docs", tmp_path / "docs")
    shutil.copy2(ingested / "m.db", tmp_path / "m.db")
    settings = settings_for(tmp_path / "docs", tmp_path / "m.db")
    folder = Folder(tmp_path / "docs")
    for source in ("good.md", "bad.md", "bad.html"):
        folder.write(source, "")
    for number in range(4):
        store = Store.open(settings.store)  # as a process that starts does
        shelf = Shelf(folder, settings, store, ScriptedEmbedder())
        try:
            if number < 3:  # until the generation with the text has been collected
                folder.write("good.md", "\n" * number)
                assert shelf.ingest().ok
                assert shelf.find("heron nests") == []
            else:
                folder.write("good.md", "# Good\n\nThe heron nests again.\n")
                assert shelf.ingest().ok
                assert shelf.sources("heron nests again") == {"good.md"}
        finally:
            store.close()


def test_two_files_with_the_same_text_are_two_documents_and_one_embedding(shelf: Shelf) -> None:
    text = "# Twins\n\nThe lynx has tufted ears.\n"
    shelf.folder.write("one.md", text)
    shelf.folder.write("two.md", text)
    report = shelf.ingest()
    assert report.failures == []
    assert (report.documents.added, report.chunks.added, report.embedded) == (2, 2, 1)
    assert shelf.sources("lynx has tufted ears") == {"one.md", "two.md"}
    shelf.folder.delete("one.md")
    after = ingest(shelf.settings, shelf.store, shelf.embedder, allow_mass_deletion=True)
    assert (after.documents.removed, after.embedded) == (1, 0)
    assert shelf.sources("lynx has tufted ears") == {"two.md"}
