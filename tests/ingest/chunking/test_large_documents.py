"""Large documents: nothing of them is lost, and twice the length is about twice the work."""

from collections.abc import Callable

import pytest

from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.protocol import CountTokens
from tests.kit.chunking import characters, chunks_of, squeezed, words


class Work:
    """A token counter that adds up the characters that it has to look at."""

    def __init__(self, count_tokens: CountTokens) -> None:
        self.characters = 0
        self._count_tokens = count_tokens

    def __call__(self, text: str) -> int:
        self.characters += len(text)
        return self._count_tokens(text)


def paragraph(size: int) -> str:
    return "字" * size


def sentences(size: int) -> str:
    return "".join(f"第 {number} 句话。" for number in range(size))


def table(size: int) -> str:
    rows = "".join(f"| 产品 {number} | {number * 7} 元 | 第 {number % 9} 仓库 |\n" for number in range(size))
    return f"| 名称 | 价格 | 位置 |\n|---|---|---|\n{rows}"


def items(size: int) -> str:
    return "\n".join(f"- item {number}" for number in range(size))


def blank_code(size: int) -> str:
    return "```\n" + "\n" * size + "word " * 500 + "\n```\n"


def paragraphs(size: int) -> str:
    return "\n\n".join(f"paragraph {number}" for number in range(size))


@pytest.mark.parametrize(
    ("make", "size", "count_tokens"),
    [
        (paragraph, 4000, characters),
        (sentences, 500, characters),
        (table, 200, characters),
        (items, 1000, characters),
        (blank_code, 4000, words),
        (paragraphs, 500, characters),
    ],
)
def test_twice_the_length_is_about_twice_the_work(
    make: Callable[[int], str], size: int, count_tokens: CountTokens
) -> None:
    once, twice = Work(count_tokens), Work(count_tokens)
    chunks_of(make(size), count_tokens=once, max_tokens=320)
    chunks_of(make(2 * size), count_tokens=twice, max_tokens=320)
    assert twice.characters < 2.5 * once.characters


@pytest.mark.timeout(60)
@pytest.mark.parametrize("character", ["字", "x"])
def test_a_paragraph_of_30000_characters_without_a_space_is_cut(builtin: BuiltinEmbedder, character: str) -> None:
    chunks = chunks_of(character * 30_000, count_tokens=builtin.count_tokens, max_tokens=320)
    assert max(builtin.count_tokens(chunk.searchable_text) for chunk in chunks) <= 320
    assert squeezed("".join(chunk.content for chunk in chunks)) == character * 30_000


@pytest.mark.timeout(60)
def test_each_of_2000_table_rows_is_a_chunk(builtin: BuiltinEmbedder) -> None:
    chunks = chunks_of(table(2000), count_tokens=builtin.count_tokens, max_tokens=320)
    assert len([chunk for chunk in chunks if chunk.kind == "row"]) == 2000


@pytest.mark.timeout(60)
def test_each_of_5000_list_items_is_in_a_chunk() -> None:
    lines = [line for chunk in chunks_of(items(5000)) for line in chunk.content.split("\n")]
    assert lines == [f"- item {number}" for number in range(5000)]
