"""Documents that are broken, hostile or odd, beside good ones: neighbours are unharmed and old versions are kept.

Run as a script, it ingests on a disk that is full (see `main`).
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.chunking.chunks import chunk_sections
from ingest.parser_process import ParserProcess
from ingest.staging.plan import Plan
from ingest.staging.report import IngestReport, Progress
from ingest.sync import ingest
from rag.errors import DocumentError, StoreError, ZhiwenError
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.retrieval.search import retrieve
from rag.settings import EmbeddingSettings, Settings
from rag.store.store import Store
from rag.types import Chunk
from tests.kit.corpus import Folder, settings_for
from tests.kit.paths import ROOT
from tests.kit.pictures import dump

PROMPTLY = 60
"""Seconds: many times what it takes, for a busy machine; what goes wrong here takes minutes or never ends."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder with an open store, in which `bad.md`, `bad.html` and `good.md` have been ingested."""

    folder: Folder
    settings: Settings
    store: Store
    embedder: ScriptedEmbedder

    def ingest(
        self,
        *,
        on_plan: Callable[[Plan], object] = lambda plan: None,
        on_progress: Callable[[Progress], object] = lambda progress: None,
        **knowledge: float,
    ) -> IngestReport:
        settings = self.settings.model_copy(
            update={"knowledge": self.settings.knowledge.model_copy(update=knowledge)},
        )
        return ingest(settings, self.store, self.embedder, on_plan=on_plan, on_progress=on_progress)

    def find(self, words: str) -> list[Chunk]:
        """What a search for these words finds that holds them all."""
        found = retrieve(words, self.store.snapshot(), self.embedder, self.settings.retrieval, top_k=200)
        return [hit.chunk for hit in found.hits if words in hit.chunk.content]

    def sources(self, words: str) -> set[str]:
        return {chunk.source for chunk in self.find(words)}

    def edit_neighbours(self) -> None:
        """A change and an addition that the next ingest has to take in."""
        self.folder.write("good.md", "# Good\n\nThe heron nests in April.\n")
        self.folder.write("new.md", "# New\n\nThe stork arrives in May.\n")

    def assert_neighbours_arrived(self) -> None:
        assert self.sources("heron nests in April") == {"good.md"}
        assert self.sources("heron nests in March") == set()
        assert self.sources("stork arrives") == {"new.md"}

    def assert_old_version_answers(self) -> None:
        [chunk] = self.find("otter sleeps in the boathouse")
        assert (chunk.source, chunk.start_line) == ("bad.md", 3)
        assert self.sources("badger digs under the church") == {"bad.html"}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `docs` and a database with it, closed."""
    place = tmp_path_factory.mktemp("hostile")
    folder = Folder(place / "docs")
    folder.write("good.md", "# Good\n\nThe heron nests in March.\n")
    folder.write("bad.md", "# Bad\n\nThe otter sleeps in the boathouse.\n")
    folder.write("bad.html", "<h1>Bad</h1>\n<p>The badger digs under the church.</p>\n")
    settings = settings_for(folder.root, place / "m.db")
    store = Store.open(settings.store)
    assert ingest(settings, store, ScriptedEmbedder()).ok
    store.close()
    return place


@pytest.fixture
def shelf(ingested: Path, tmp_path: Path) -> Iterator[Shelf]:
    shutil.copytree(ingested / "docs", tmp_path / "docs")
    shutil.copy2(ingested / "m.db", tmp_path / "m.db")
    settings = settings_for(tmp_path / "docs", tmp_path / "m.db")
    # Some of these documents give hundreds of chunks.
    settings = settings.model_copy(update={"embedding": EmbeddingSettings(batch_size=64)})
    store = Store.open(settings.store)
    yield Shelf(Folder(settings.knowledge.path), settings, store, ScriptedEmbedder())
    store.close()


# Documents that cannot be taken in


def deep_mapping(depth: int) -> bytes:
    lines = "".join(f"{' ' * level}a:\n" for level in range(depth))
    return f"---\n{lines}---\n# Bad\n".encode()


REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "broken front matter": ("bad.md", lambda: b"---\ntitle: [not closed\n---\n# Bad\n", "front matter: line "),
    "front matter that is a list": ("bad.md", lambda: b"---\n- a\n---\n# Bad\n", "front matter"),
    "front matter nested in brackets": ("bad.md", lambda: b"---\na: " + b"[" * 60_000 + b"\n---\n", "nested deeper"),
    "front matter nested in mappings": ("bad.md", lambda: deep_mapping(300), "nested deeper"),
    "front matter with aliases": (
        "bad.md",
        lambda: b"---\na: &a [x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n---\n",
        "aliases",
    ),
    "front matter with a key twice": ("bad.md", lambda: b"---\ntitle: one\ntitle: two\n---\n", "appears twice"),
    "1 MB of front matter": (
        "bad.md",
        lambda: b"---\n" + b"".join(b"key%d: value\n" % number for number in range(70_000)) + b"---\nx\n",
        "the limit is 65536",
    ),
    "1 MB of one value in front matter": ("bad.md", lambda: b"---\na: " + b"x" * 1_000_000 + b"\n---\n", "65536"),
    "a NUL byte": ("bad.md", lambda: b"# Bad\n\nThe otter\0 wakes.\n", "line 3 holds a NUL byte"),
    "a picture": ("bad.md", lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\xff\xd8", "UTF-8"),
    "a line of 50 MB": ("bad.md", lambda: b"x" * 50_000_000, "larger than knowledge.max_file_bytes"),
    "HTML nested 10,000 deep": ("bad.html", lambda: b"<b>" * 10_000 + b"deep" + b"</b>" * 10_000, "nested too deeply"),
    "HTML lists nested 10,000 deep": ("bad.html", lambda: b"<ul><li>" * 10_000 + b"deep", ""),
}


@pytest.mark.parametrize(("source", "make", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_document_that_cannot_be_read_is_named_and_keeps_its_old_version(
    shelf: Shelf,
    capfd: pytest.CaptureFixture[str],
    source: str,
    make: Callable[[], bytes],
    words: str,
) -> None:
    shelf.edit_neighbours()
    shelf.folder.write(source, make())
    started = time.monotonic()
    report = shelf.ingest()
    assert time.monotonic() - started < PROMPTLY
    [failure] = report.failures
    assert failure.source == source
    assert words in failure.error
    assert "\n" not in failure.error
    assert len(failure.error) < 300
    assert not report.ok
    assert (report.documents.added, report.documents.changed, report.documents.failed) == (1, 1, 1)
    shelf.assert_neighbours_arrived()
    shelf.assert_old_version_answers()
    assert "Traceback" not in capfd.readouterr().err


def test_a_document_that_cannot_be_read_is_tried_again_and_taken_in_once_it_is_mended(shelf: Shelf) -> None:
    shelf.folder.write("bad.md", b"---\ntitle: [\n---\n")
    first = shelf.ingest()
    second = shelf.ingest()
    assert [failure.source for failure in second.failures] == ["bad.md"]
    assert (first.generation, second.generation) == (1, 1)
    shelf.folder.write("bad.md", "# Mended\n\nThe otter moved to the mill.\n")
    third = shelf.ingest()
    assert third.ok
    assert (third.documents.changed, third.documents.unchanged) == (1, 2)
    assert shelf.sources("otter moved to the mill") == {"bad.md"}
    assert shelf.find("otter sleeps in the boathouse") == []


def test_a_new_document_that_cannot_be_read_is_named_and_leaves_nothing_behind(shelf: Shelf) -> None:
    before = dump(shelf.store)
    shelf.folder.write("fresh.md", b"# Fresh\n\nThe newt\0 is here.\n")
    report = shelf.ingest()
    assert [failure.source for failure in report.failures] == ["fresh.md"]
    assert (report.documents.added, report.documents.failed, report.documents.unchanged) == (0, 1, 3)
    assert dump(shelf.store) == before


def test_many_bad_documents_are_all_named_in_order(shelf: Shelf) -> None:
    for number in range(12):
        shelf.folder.write(f"broken{number:02}.md", b"---\na: [\n---\n" if number % 2 else b"\0")
    shelf.edit_neighbours()
    report = shelf.ingest()
    assert [failure.source for failure in report.failures] == [f"broken{number:02}.md" for number in range(12)]
    shelf.assert_neighbours_arrived()


def test_a_line_of_50_mb_within_a_raised_limit_is_named_or_taken_in(shelf: Shelf) -> None:
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", b"x" * 50_000_000)
    started = time.monotonic()
    report = shelf.ingest(max_file_bytes=60_000_000, max_seconds_per_document=2)
    assert time.monotonic() - started < PROMPTLY
    assert [failure.source for failure in report.failures] == ["bad.md"]
    shelf.assert_neighbours_arrived()
    shelf.assert_old_version_answers()


# Documents that parse too slowly

SLOW = "<!--" * 400_000  # quadratic in a search for the end of the comment: minutes


def test_a_document_that_parses_too_slowly_is_cut_off_and_named(shelf: Shelf) -> None:
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", SLOW)
    started = time.monotonic()
    report = shelf.ingest(max_seconds_per_document=1)
    assert time.monotonic() - started < PROMPTLY
    [failure] = report.failures
    assert failure.source == "bad.md"
    assert failure.error == "takes longer than 1 s to parse (knowledge.max_seconds_per_document)"
    shelf.assert_neighbours_arrived()
    shelf.assert_old_version_answers()


def test_slow_documents_do_not_keep_each_other_s_neighbours_waiting_for_ever() -> None:
    with ParserProcess(timeout_seconds=1) as parser:
        for number in range(2):
            started = time.monotonic()
            with pytest.raises(DocumentError, match=rf"^slow{number}\.md: takes longer than 1 s"):
                parser.parse(f"slow{number}.md", SLOW.encode())
            assert time.monotonic() - started < PROMPTLY
            assert parser.parse("good.md", b"# Good\n\nfine\n").sections[0].heading_path == ("Good",)


def test_the_parser_process_is_gone_when_the_parser_is_closed() -> None:
    before = children()
    with ParserProcess(timeout_seconds=1) as parser:
        parser.parse("good.md", b"fine\n")
        assert len(children() - before) == 1
        with pytest.raises(DocumentError):
            parser.parse("slow.md", SLOW.encode())
        parser.parse("good.md", b"fine\n")
    assert children() - before == set()


def children() -> set[int]:
    return {int(name) for task in Path("/proc/self/task").iterdir() for name in (task / "children").read_text().split()}


def test_a_document_that_takes_too_long_to_cut_is_named() -> None:
    with ParserProcess(timeout_seconds=20) as parser:
        parsed = parser.parse("long.md", "字".encode() * 1_500_000)
    started = time.monotonic()
    with pytest.raises(DocumentError, match=r"^long\.md: takes longer than 1 s to cut"):
        chunk_sections(
            parsed.document,
            parsed.sections,
            count_tokens=BuiltinEmbedder().count_tokens,
            max_tokens=320,
            timeout_seconds=1,
        )
    assert time.monotonic() - started < PROMPTLY


# Documents that are only unusual

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
def test_nesting_10_000_deep_is_named_or_taken_in_with_what_stands_after_it(shelf: Shelf, nested: str) -> None:
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", f"# Nested\n\n{nested}{AFTER}")
    started = time.monotonic()
    report = shelf.ingest()
    assert time.monotonic() - started < PROMPTLY
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


def test_a_paragraph_of_30_000_characters_without_a_space_is_cut_and_nothing_of_it_is_lost(shelf: Shelf) -> None:
    alphabet = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"
    text = "".join(alphabet[number * number % 24] for number in range(30_000))
    shelf.edit_neighbours()
    shelf.folder.write("bad.md", text)
    started = time.monotonic()
    report = shelf.ingest()
    assert time.monotonic() - started < PROMPTLY
    assert report.failures == []
    shelf.assert_neighbours_arrived()
    chunks = [stored.chunk for stored in shelf.store.snapshot().chunks() if stored.chunk.source == "bad.md"]
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
    chunks = [stored.chunk for stored in shelf.store.snapshot().chunks() if stored.chunk.source == "bad.md"]
    assert len({chunk.id for chunk in chunks}) == len({chunk.anchor for chunk in chunks}) == len(chunks) == count
    shelf.assert_neighbours_arrived()


def test_the_same_heading_and_text_many_times_are_as_many_passages(shelf: Shelf) -> None:
    shelf.folder.write("bad.md", "## Example\n\nThe same words.\n\n" * 50)
    assert shelf.ingest().failures == []
    chunks = [stored.chunk for stored in shelf.store.snapshot().chunks() if stored.chunk.source == "bad.md"]
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


@pytest.fixture(scope="module")
def empty_ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `docs` that holds one empty file, and a database with it, closed."""
    place = tmp_path_factory.mktemp("empty")
    folder = Folder(place / "docs")
    folder.write("empty.md", "")
    settings = settings_for(folder.root, place / "m.db")
    store = Store.open(settings.store)
    report = ingest(settings, store, ScriptedEmbedder())
    assert (report.ok, report.generation, report.documents.added, report.embedded) == (True, 1, 1, 0)
    store.close()
    return place


@pytest.fixture
def empty_shelf(empty_ingested: Path, tmp_path: Path) -> Iterator[Shelf]:
    shutil.copytree(empty_ingested / "docs", tmp_path / "docs")
    shutil.copy2(empty_ingested / "m.db", tmp_path / "m.db")
    settings = settings_for(tmp_path / "docs", tmp_path / "m.db")
    store = Store.open(settings.store)
    yield Shelf(Folder(tmp_path / "docs"), settings, store, ScriptedEmbedder())
    store.close()


def test_where_all_documents_are_empty_nothing_is_found_and_nothing_fails(empty_shelf: Shelf) -> None:
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


# Files that change while they are read


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


def test_a_file_changed_after_the_plan_is_taken_in_as_it_then_is(shelf: Shelf) -> None:
    shelf.folder.write("bad.md", "# Bad\n\nThe otter wakes once.\n")
    report = shelf.ingest(on_plan=lambda plan: shelf.folder.write("bad.md", "# Bad\n\nThe otter wakes again.\n"))
    assert report.ok
    assert shelf.sources("otter wakes again") == {"bad.md"}
    assert shelf.find("otter wakes once") == []
    again = shelf.ingest()
    assert (again.generation, again.embedded) == (report.generation, 0)


@pytest.mark.parametrize("later", ["The otter wakes later.", "The otter wakes earlier."], ids=["same size", "longer"])
def test_a_file_changed_after_it_was_read_is_taken_in_by_the_next_ingest(shelf: Shelf, later: str) -> None:
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


# A disk that is full


def can_mount() -> bool:
    """Whether a small file system can be made here, seen by one process only."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(shutil.which("unshare")) and not subprocess.run(command, capture_output=True, check=False).returncode


@dataclass(frozen=True, slots=True)
class FullDisk:
    """What happened: the errors of an ingest on a full disk and of one with room again ("" for none), and whether old
    and new texts were found after each.
    """

    full: str
    old_after_full: bool
    new_after_full: bool
    again: str
    old_after_again: bool
    new_after_again: bool


def on_full_disk(ingested: Path, tmp_path: Path, how: str, *prefix: str) -> FullDisk:
    shutil.copytree(ingested / "docs", tmp_path / "docs")
    shutil.copy2(ingested / "m.db", tmp_path / "m.db")
    disk = tmp_path / "disk"
    disk.mkdir()
    for number in range(8):
        Folder(tmp_path / "docs").write(f"more{number}.md", f"# More\n\nThe crane number{number} flies south.\n" * 20)
    done = subprocess.run(
        [*prefix, sys.executable, "-m", __name__, str(tmp_path), str(disk), how],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return FullDisk(**json.loads(done.stdout.splitlines()[-1]))


def assert_full_disk_was_survived(happened: FullDisk) -> None:
    """Either the ingest said that it failed and changed nothing, or it did all it says."""
    if happened.full:
        assert "\n" not in happened.full
        assert happened.old_after_full
        assert not happened.new_after_full
    else:
        assert happened.new_after_full
    assert happened.again == ""
    assert happened.old_after_again
    assert happened.new_after_again


def test_a_database_that_may_not_grow_fails_the_ingest_and_keeps_the_old_version(
    ingested: Path, tmp_path: Path
) -> None:
    """RLIMIT_FSIZE, at the size of the database."""
    happened = on_full_disk(ingested, tmp_path, "limit 0")
    assert happened.full
    assert_full_disk_was_survived(happened)


def test_a_full_disk_fails_the_ingest_and_keeps_the_old_version(ingested: Path, tmp_path: Path) -> None:
    """With a little room left, as there always is: 24 KB, more than the journal of the database takes."""
    if not can_mount():
        pytest.skip("a small file system cannot be mounted here")
    mounted = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=96m tmpfs "$1"; shift; exec "$@"', "sh"]
    happened = on_full_disk(ingested, tmp_path, "fill 24576", *mounted, str(tmp_path / "disk"))
    assert "its disk is full" in happened.full
    assert_full_disk_was_survived(happened)


def main() -> None:
    """`test_hostile_documents.py PLACE DISK HOW`: ingest PLACE/docs into a copy of PLACE/m.db on DISK.

    HOW is `fill N`, with N bytes free on DISK, or `limit N`, with files bounded to N bytes more than the database has.
    Writes a FullDisk as JSON.
    """
    place, disk = Path(sys.argv[1]), Path(sys.argv[2])
    how, _, room = sys.argv[3].partition(" ")
    shutil.copy2(place / "m.db", disk / "m.db")
    settings = settings_for(place / "docs", disk / "m.db")
    settings = settings.model_copy(update={"store": settings.store.model_copy(update={"timeout_seconds": 3})})
    store = Store.open(settings.store)
    if how == "fill":
        free = os.statvfs(disk)
        (disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize - int(room)))
    else:
        store.close()
        size = (disk / "m.db").stat().st_size
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + int(room), hard))
        store = Store.open(settings.store)
    full = ended_with(settings, store)
    close(store)
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    old_after_full, new_after_full = what_is_found(settings)
    (disk / "ballast").unlink(missing_ok=True)
    store = Store.open(settings.store)
    again = ended_with(settings, store)
    close(store)
    old_after_again, new_after_again = what_is_found(settings)
    print(
        json.dumps(
            {
                "full": full,
                "old_after_full": old_after_full,
                "new_after_full": new_after_full,
                "again": again,
                "old_after_again": old_after_again,
                "new_after_again": new_after_again,
            }
        )
    )


def ended_with(settings: Settings, store: Store) -> str:
    try:
        report = ingest(settings, store, ScriptedEmbedder())
    except ZhiwenError as error:
        return str(error)
    return "; ".join(failure.error for failure in report.failures)


def close(store: Store) -> None:
    try:
        store.close()
    except StoreError as error:
        print(f"closing: {error}", file=sys.stderr)


def what_is_found(settings: Settings) -> tuple[bool, bool]:
    """Whether a process that opens the database now finds the old text, and the new one."""
    store = Store.open(settings.store)
    try:
        shelf = Shelf(Folder(settings.knowledge.path), settings, store, ScriptedEmbedder())
        return bool(shelf.find("otter sleeps in the boathouse")), bool(shelf.find("crane number5 flies south"))
    except ZhiwenError as error:
        print(f"searching: {error}", file=sys.stderr)
        return False, False
    finally:
        close(store)


if __name__ == "__main__":
    main()
