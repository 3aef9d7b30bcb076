"""What an id leads to, in the shipped knowledge."""

import pytest

from rag.errors import TextNotFound
from rag.retrieval.excerpts import read_excerpt
from rag.wiring import Services

PLENTY = 1_000_000


def test_every_passage_is_read_in_its_section(shipped: Services) -> None:
    snapshot = shipped.store.snapshot()
    chunks = list(snapshot.chunks())
    assert len(chunks) > 40
    for chunk in chunks:
        found = read_excerpt(snapshot, chunk.id, max_characters=PLENTY)
        assert found.is_whole
        assert found.passage == chunk
        assert found.start_line <= chunk.start_line <= chunk.end_line <= found.end_line
        assert found.text.startswith(f"# {chunk.heading_path[0]}\n\n")
        assert f"\n{'#' * len(chunk.heading_path)} {chunk.heading_path[-1]}\n" in f"\n{found.text}"
        # A row is read in the table that it stands in, where its cells are without their columns' names.
        last = chunk.content.rpartition(": ")[2] if chunk.kind == "row" else chunk.content
        assert last in found.text


def test_a_document_is_read_from_its_beginning_each_heading_and_table_once(shipped: Services) -> None:
    snapshot = shipped.store.snapshot()
    found = read_excerpt(snapshot, "overview.md", max_characters=PLENTY)
    headings = [line for line in found.text.splitlines() if line.startswith("#")]
    assert headings[0] == "# 概述"
    assert len(headings) > 5
    assert len(set(headings)) == len(headings)
    assert found.text.count("PingCAP（基于 TiKV 的向量引擎）") == 1
    assert found.passage.heading_path == ()
    assert found.passage.context == "概述"
    assert (found.passage.start_line, found.passage.end_line) == (found.start_line, found.end_line)


@pytest.mark.parametrize("room", [1, 200, 1000, 3000])
def test_what_is_too_long_is_read_around_the_passage_as_far_as_there_is_room(shipped: Services, room: int) -> None:
    snapshot = shipped.store.snapshot()
    whole = read_excerpt(snapshot, "overview.md", max_characters=PLENTY)
    assert len(whole.text) > 3000
    for chunk in snapshot.chunks():
        found = read_excerpt(snapshot, chunk.id, max_characters=room)
        assert len(found.text) <= room
        assert found.start_line <= chunk.start_line <= chunk.end_line <= found.end_line
    document = read_excerpt(snapshot, "overview.md", max_characters=room)
    assert not document.is_whole
    assert whole.text.startswith(document.text)


@pytest.mark.parametrize(
    "name", ["nothing.md", "0" * 32, "overview", "../overview.md", 'x" or id != "', "a\0b", "\ud800"]
)
def test_what_is_not_in_the_live_generation_is_not_found(shipped: Services, name: str) -> None:
    with pytest.raises(TextNotFound, match="neither a passage nor a document"):
        read_excerpt(shipped.store.snapshot(), name, max_characters=PLENTY)
