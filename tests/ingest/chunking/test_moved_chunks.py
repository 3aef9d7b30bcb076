"""The chunks of a document under another path, without reading it, are those that cutting it there would give."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking.chunks import chunk_document
from ingest.chunking.moved_chunks import move_chunks
from ingest.readers.parse import parse_document
from rag.types import Chunk
from tests.kit.chunking import characters
from tests.kit.corpus import BASE, document
from tests.kit.markdown_sample import Sample

REPEATED = "---\ntags: [a, b]\nowner: Ada\n---\n\nSame.\n\n```\ncode\n```\n\nSame.\n\n```\ncode\n```\n\n# H\n\nSame.\n"
UNNAMED = "Text without a heading.\n"


def cut(source: str, text: str, limit: int = 120) -> list[Chunk]:
    return chunk_document(parse_document(source, text.encode()), count_tokens=characters, max_tokens=limit)


def moved(text: str, old: str, new: str) -> Sequence[Chunk] | None:
    return move_chunks(cut(old, text), new)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sample=st.integers(0, 10**9).map(Sample), limit=st.integers(60, 400))
def test_any_document_in_another_folder(sample: Sample, limit: int) -> None:
    text = sample.document()
    old = cut("guides/page.md", text, limit)
    if old:
        assert move_chunks(old, "向导/page.md") == cut("向导/page.md", text, limit)


@pytest.mark.parametrize("text", [*BASE.values(), document("harbour", table=True), REPEATED])
@pytest.mark.parametrize("new", ["b/x.md", "x.MD", "a/other name.md"])
def test_kinds_of_blocks_and_repetitions(text: str, new: str) -> None:
    expected = cut(new, text)
    assert expected[0].title not in ("x", "other name")
    assert moved(text, "x.md", new) == expected


def test_a_document_whose_title_is_its_name_may_move_but_not_get_another_name() -> None:
    assert moved(UNNAMED, "a/notes.md", "b/notes.md") == cut("b/notes.md", UNNAMED)
    assert moved(UNNAMED, "notes.md", "plans.md") is None


def test_a_title_that_happens_to_be_the_name_is_not_taken_for_certain() -> None:
    assert moved("# notes\n\nText.\n", "notes.md", "plans.md") is None


def test_a_file_that_another_reader_reads_is_not_moved() -> None:
    text = "# Title\n\n<b>Text</b>\n"
    assert moved(text, "x.md", "x.html") is None
    assert moved(text, "x.md", "x.txt") is None


def test_chunks_that_another_version_made_are_not_moved() -> None:
    chunks = cut("x.md", REPEATED)
    assert move_chunks([replace(chunks[0], id="0" * 32), *chunks[1:]], "y.md") is None
    assert move_chunks([replace(chunks[0], group="0" * 32), *chunks[1:]], "y.md") is None
