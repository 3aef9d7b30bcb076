"""Lines of documents, found and read in a generation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sync import ingest
from rag.errors import TextNotFound
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.retrieval.document_lines import find_lines, read_lines
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from tests.kit.corpus import Folder, settings_for

GUIDE = """# Harbour

## Lamps

The lamp burns
all night.

| lamp | colour |
|---|---|
| north | green |
| south | red |

```sh
# light the lamp
lamp --on
```

## Quays

- first quay
- second quay
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    place: Path = tmp_path_factory.mktemp("lines")
    folder = Folder(place / "docs")
    folder.write("guide.md", GUIDE)
    folder.write("other/notes.md", "# Notes\n\nA lamp and a net.\n")
    settings = settings_for(folder.root, place / "m.db")
    store = Store.open(settings.store)
    assert ingest(settings, store, ScriptedEmbedder()).ok
    yield store.snapshot()
    store.close()


def found(snapshot: Snapshot, text: str, folder: str = "") -> list[tuple[str, int, str]]:
    return [(line.source, line.number, line.text) for line in find_lines(snapshot, text, folder=folder, most=1000)]


def test_every_line_and_heading_that_holds_the_text_is_found_once_where_it_stands(snapshot: Snapshot) -> None:
    lines = found(snapshot, "LAMP")
    own = [(number, text) for source, number, text in lines if source == "guide.md"]
    assert (14, "# light the lamp") in own
    assert (15, "lamp --on") in own
    assert (8, "| lamp | colour |") in own
    assert sum(text == "## Lamps" for _, text in own) == 1
    assert not any("›" in text for _, text in own)  # a row as it is indexed
    assert ("other/notes.md", 3, "A lamp and a net.") in lines
    assert lines == sorted(lines, key=lambda line: line[:2])


def test_a_star_stands_for_anything_within_the_line_and_nothing_else_is_special(snapshot: Snapshot) -> None:
    assert found(snapshot, "south*red") == [("guide.md", 11, "| south | red |")]
    assert found(snapshot, "red*south") == []
    assert found(snapshot, "s.uth") == []


def test_a_folder_restricts_where_it_looks(snapshot: Snapshot) -> None:
    assert {source for source, _, _ in found(snapshot, "lamp", "other/")} == {"other/notes.md"}


def test_lines_are_read_with_their_numbers_below_their_headings(snapshot: Snapshot) -> None:
    read = read_lines(snapshot, "guide.md", range(10, 22), max_characters=1000)
    texts = [(line.number, line.text) for line in read.lines if not line.is_heading]
    assert (10, "| north | green |") in texts
    assert (14, "# light the lamp") in texts
    assert [line.text for line in read.lines if line.is_heading] == ["## Quays"]
    assert (21, "- second quay") in texts
    assert read.last_line == 21


def test_reading_ends_at_the_limit_and_goes_on_from_there(snapshot: Snapshot) -> None:
    first = read_lines(snapshot, "guide.md", range(1, 100), max_characters=30)
    assert sum(len(line.text) for line in first.lines) <= 30
    rest = read_lines(snapshot, "guide.md", range(first.lines[-1].number + 1, 100), max_characters=1000)
    assert rest.lines[-1].number == 21


@pytest.mark.parametrize("source", ["gone.md", "x\0y", "guide.md' or source != '"])
def test_a_document_that_is_not_there_is_named(snapshot: Snapshot, source: str) -> None:
    with pytest.raises(TextNotFound, match="has no document"):
        read_lines(snapshot, source, range(1, 10), max_characters=100)
