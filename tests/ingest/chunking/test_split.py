"""Blocks are cut and joined so that every part can be read alone and nothing is lost."""

from collections import defaultdict

import pytest

from rag.models.embedders.builtin import BuiltinEmbedder
from rag.settings import ChunkingSettings
from rag.store.columns import MAX_CONTENT_BYTES
from tests.kit.chunking import OVERVIEW, chunks_of, overview_chunks, with_special_tokens, words


def test_the_limit_holds_beside_long_headings() -> None:
    """The longest possible context, with the smallest limit that the settings accept."""
    smallest = next(rule.ge for rule in ChunkingSettings.model_fields["max_tokens"].metadata if hasattr(rule, "ge"))
    headings = "".join(f"{'#' * level} {'标题' * 30}{level}\n\n" for level in range(1, 5))
    for chunk in chunks_of(f"{headings}{'正文' * 200}", count_tokens=with_special_tokens, max_tokens=smallest):
        assert with_special_tokens(chunk.searchable_text) <= smallest


def test_the_limit_holds_under_a_caption_as_long_as_the_limit() -> None:
    items = "\n".join(f"- item {number} {'x' * 30}" for number in range(4))
    for chunk in chunks_of(f"{'caption ' * 14}:\n\n{items}", max_tokens=100):
        assert len(chunk.searchable_text) <= 100


def test_a_row_is_not_lost_under_a_long_caption() -> None:
    chunks = chunks_of(f"{'caption ' * 11}:\n\n| h |\n|---|\n| cellword |\n", max_tokens=100)
    assert any("cellword" in chunk.content for chunk in chunks)


def test_a_long_caption_is_not_lost_when_the_table_is_cut() -> None:
    caption = " ".join(f"w{number}" for number in range(25))
    row = "| " + " | ".join("cell" * 10 for _ in range(3)) + " |"
    chunks = chunks_of(f"{caption}:\n\n| a | b | c |\n|---|---|---|\n{row}\n", max_tokens=100)
    contents = " ".join(chunk.content for chunk in chunks).split()
    assert {"w0", "w12"} <= set(contents)


def test_the_names_of_a_table_without_rows_are_not_lost() -> None:
    chunks = chunks_of("before\n\n| alpha | beta |\n|---|---|\n\nafter\n")
    assert any("alpha" in chunk.content and "beta" in chunk.content for chunk in chunks)


def test_an_empty_code_block_gives_no_chunk() -> None:
    assert chunks_of("```\n```\n") == []
    assert [chunk.content for chunk in chunks_of("```\n\n```\n\nafter\n")] == ["after"]


@pytest.mark.parametrize("text", ["a" * 100_000, f"```\nx{' ' * 70_000}y\n```"], ids=["a word", "white space"])
def test_a_chunk_fits_the_store_whatever_the_tokenizer_says(text: str) -> None:
    """WordPiece takes a word of 100,000 characters for one unknown token; a server refuses more than 65,535 bytes."""
    for chunk in chunks_of(text, count_tokens=words):
        assert len(chunk.content.encode()) <= MAX_CONTENT_BYTES


def test_text_under_ten_list_markers_is_not_lost() -> None:
    text = "\n".join(f"{'  ' * depth}- item{depth}" for depth in range(14))
    content = "\n".join(chunk.content for chunk in chunks_of(text, max_tokens=4000))
    assert [depth for depth in range(14) if f"item{depth}" not in content.split()] == []


def test_text_under_many_quotation_marks_is_not_lost() -> None:
    assert any("deep" in chunk.content for chunk in chunks_of("> " * 30 + "deep"))


def test_a_table_row_is_a_sentence_with_header_names_and_inherited_values(builtin: BuiltinEmbedder) -> None:
    chunks = overview_chunks(builtin, 320)
    rows = [chunk for chunk in chunks if chunk.kind == "row"]
    milvus = next(chunk for chunk in rows if "Milvus" in chunk.content)
    assert milvus.content == (
        "层级: 第一层 › 分类: 基础设施 › 内容: 向量数据库 › 知名组件/供应商: Milvus, PingCAP（基于 TiKV 的向量引擎）"
    )
    assert milvus.heading_path == ("概述", "AI 工程架构")
    assert milvus.anchor == "ai-工程架构"
    line = OVERVIEW.read_text(encoding="utf-8").split("\n")[milvus.start_line - 1]
    assert "向量数据库" in line
    assert milvus.end_line == milvus.start_line
    assert len([chunk for chunk in rows if chunk.group == milvus.group]) == 17


def test_the_whole_table_is_reachable_through_the_group(builtin: BuiltinEmbedder) -> None:
    by_group = defaultdict(list)
    for chunk in overview_chunks(builtin, 320):
        by_group[chunk.group].append(chunk)
    groups = [group for group in by_group.values() if group[0].kind == "table"]
    assert len(groups) == 7
    for group in groups:
        whole = [line for chunk in group if chunk.kind == "table" for line in chunk.content.split("\n")]
        cells = [line for line in whole if line.startswith("| ")]
        header = cells[0]
        shown = [line for line in cells if line != header]
        assert len(shown) == len([chunk for chunk in group if chunk.kind == "row"])


def test_each_part_of_a_cut_table_repeats_the_caption_and_the_header() -> None:
    rows = "".join(f"| key{number} | value{number} |\n" for number in range(20))
    chunks = chunks_of(f"# T\n\n**Sizes**\n\n| Name | Size |\n|---|---|\n{rows}", max_tokens=200)
    tables = [chunk for chunk in chunks if chunk.kind == "table"]
    assert len(tables) > 1
    for table in tables:
        assert table.content.startswith("Sizes\n| Name | Size |\n|---|---|\n| key")
    shown = [line for table in tables for line in table.content.split("\n")[3:]]
    assert shown == [f"| key{number} | value{number} |" for number in range(20)]
    assert tables[0].start_line == 3
    assert [table.start_line for table in tables[1:]] == [before.end_line + 1 for before in tables[:-1]]
    assert tables[-1].end_line == 26
    assert len({chunk.group for chunk in chunks}) == 1


def test_a_row_chunk_begins_with_the_caption() -> None:
    rows = [
        chunk.content
        for chunk in chunks_of("尺寸：\n\n| 名称 | 大小 |\n|---|---|\n| 甲 | 1 |\n")
        if chunk.kind == "row"
    ]
    assert rows == ["尺寸 › 名称: 甲 › 大小: 1"]


def test_a_long_row_is_cut_between_cells_each_part_after_its_first_cell() -> None:
    cells = " | ".join(f"value{number}" for number in range(30))
    header = " | ".join(f"h{number}" for number in range(30))
    chunks = chunks_of(f"| {header} |\n{'|---' * 30}|\n| {cells} |\n", max_tokens=120)
    rows = [chunk.content for chunk in chunks if chunk.kind == "row"]
    assert len(rows) > 3
    assert all(row.startswith("h0: value0 › h") for row in rows)
    fields = [field for row in rows for field in row.split(" › ")[1:]]
    assert fields == [f"h{number}: value{number}" for number in range(1, 30)]


def test_a_table_of_200_columns_keeps_every_cell() -> None:
    header = " | ".join(f"column{number}" for number in range(200))
    rows = "".join(f"| {' | '.join(f'r{row}c{column}' for column in range(200))} |\n" for row in range(5))
    chunks = chunks_of(f"| {header} |\n{'|---' * 200}|\n{rows}", max_tokens=320)
    assert max(len(chunk.searchable_text) for chunk in chunks) <= 320
    fields = {field for chunk in chunks for field in chunk.content.split(" › ")}
    assert {f"column{column}: r{row}c{column}" for row in range(5) for column in range(200)} <= fields
    assert len({chunk.group for chunk in chunks}) == 1


def test_blocks_of_one_section_share_a_chunk_while_they_fit() -> None:
    [chunk] = chunks_of("# A\n\nfirst paragraph\n\n- a\n- b\n\n```py\nx = 1\n```\n")
    assert chunk.content == "first paragraph\n\n- a\n- b\n\n```py\nx = 1\n```"
    assert (chunk.start_line, chunk.end_line) == (3, 10)
    assert chunk.kind == "text"


def test_sections_never_share_a_chunk() -> None:
    assert [chunk.content for chunk in chunks_of("# A\n\nx\n\n## B\n\ny\n")] == ["x", "y"]


def test_a_chunk_of_one_kind_keeps_its_kind() -> None:
    assert [chunk.kind for chunk in chunks_of("- a\n\n# B\n\n```\nx\n```\n\n# C\n\ny\n")] == ["list", "code", "text"]


def test_each_part_of_a_cut_list_repeats_the_items_above_it() -> None:
    items = "".join(f"  - child number {number}\n" for number in range(10))
    chunks = chunks_of(f"# A\n\n- parent\n{items}", max_tokens=100)
    assert len(chunks) > 2
    assert all(chunk.content.startswith("- parent\n  - child") for chunk in chunks)
    lines = [line for chunk in chunks for line in chunk.content.split("\n")[1:]]
    assert lines == [f"  - child number {number}" for number in range(10)]
    assert len({chunk.group for chunk in chunks}) == 1


def test_each_part_of_cut_code_has_its_own_fence() -> None:
    code = "".join(f"value_{number} = {number}\n" for number in range(20))
    chunks = chunks_of(f"# A\n\n```python\n{code}```\n", max_tokens=100)
    assert len(chunks) > 2
    for chunk in chunks:
        assert chunk.kind == "code"
        assert chunk.content.startswith("```python\nvalue_")
        assert chunk.content.endswith("\n```")


def test_the_lines_of_a_cut_list_begin_at_its_caption() -> None:
    items = "".join(f"- item number {number}\n" for number in range(10))
    chunks = chunks_of(f"Items:\n\n{items}", max_tokens=100)
    assert chunks[0].content.startswith("Items:\n- item number 0")
    assert [chunk.start_line for chunk in chunks] == [1, *(chunk.end_line + 1 for chunk in chunks[:-1])]
