"""Adding up the tokens of parts gives the chunks that counting every attempt as a whole gives."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking import chunks
from ingest.chunking.budget import ChunkBudget
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.protocol import CountTokens
from rag.models.embedders.token_upper_bound import token_upper_bound
from rag.types import Chunk
from tests.kit.chunking import characters, chunks_of, with_special_tokens, words
from tests.kit.paths import ROOT

COUNTERS: dict[str, CountTokens] = {
    "characters": characters,
    "words": words,
    "special tokens": with_special_tokens,
    "upper bound": token_upper_bound,
    "bytes": lambda text: len(text.encode()) + 2,
    "builtin": BuiltinEmbedder().count_tokens,
}

DOCUMENTS = sorted([*(ROOT / "knowledge").rglob("*.md"), *(ROOT / "docs").rglob("*.md")])


class CountingBudget(ChunkBudget):
    """Counts every content as a whole."""

    def fit_together(self, parts: Sequence[str], content: Callable[[], str]) -> bool:
        return self.fits(content())


@contextmanager
def counting() -> Iterator[None]:
    chunks.ChunkBudget = CountingBudget  # type: ignore[misc]
    try:
        yield
    finally:
        chunks.ChunkBudget = ChunkBudget  # type: ignore[misc]


def assert_same_chunks(text: str, count_tokens: CountTokens, max_tokens: int) -> list[Chunk]:
    found = chunks_of(text, count_tokens=count_tokens, max_tokens=max_tokens)
    with counting():
        assert found == chunks_of(text, count_tokens=count_tokens, max_tokens=max_tokens)
    return found


@pytest.mark.parametrize("name", COUNTERS)
def test_every_document_of_this_repository_is_cut_the_same(name: str) -> None:
    for path in DOCUMENTS:
        assert assert_same_chunks(path.read_text(encoding="utf-8"), COUNTERS[name], 320)


_words = st.lists(st.sampled_from("Milvus 向量数据库 a . 。 — ﷺ 🙂 x1 部署，使用 `code` 12.5 ...".split()), max_size=12)
_sentence = _words.map(" ".join)
_paragraph = st.lists(_sentence, min_size=1, max_size=6).map("\n".join)
_items = st.lists(_sentence, min_size=1, max_size=8).map(
    lambda lines: "\n".join(f"{'  ' * (number % 3)}- {line}" for number, line in enumerate(lines))
)
_table = st.lists(st.tuples(_sentence, _sentence), min_size=1, max_size=8).map(
    lambda rows: "| a | b |\n|---|---|\n" + "\n".join(f"| {one} | {other} |" for one, other in rows)
)
_code = st.lists(_sentence, max_size=8).map(lambda lines: "```sh\n" + "\n".join(lines) + "\n```")
_heading = _sentence.map(lambda text: f"## {text}")
_documents = st.lists(st.one_of(_paragraph, _items, _table, _code, _heading), max_size=10).map("\n\n".join)


@settings(max_examples=150, deadline=None)
@given(text=_documents, name=st.sampled_from(sorted(COUNTERS)), max_tokens=st.integers(40, 200))
def test_random_documents_are_cut_the_same(text: str, name: str, max_tokens: int) -> None:
    for chunk in assert_same_chunks(text, COUNTERS[name], max_tokens):
        assert chunk.content


def test_a_text_is_counted_a_few_times_however_many_paragraphs_share_a_chunk() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return with_special_tokens(text)

    text = "\n\n".join(f"Paragraph {number} says a few words about the harbour." for number in range(300))
    chunks_of(text, count_tokens=count, max_tokens=320)
    assert counted < 5 * len(text)
