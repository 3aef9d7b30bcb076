import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking.tables import Row, Table, read_table
from ingest.markup.markdown_tree import markdown_tree
from ingest.markup.tree import Element
from ingest.readers.parse import parse_document
from rag.errors import DocumentError


def read(markdown: str, first_line: int = 1) -> Table:
    [table] = markdown_tree(markdown, first_line).children
    assert isinstance(table, Element)
    return read_table(table)


def cells(markdown: str) -> list[tuple[str, ...]]:
    return [row.cells for row in read(markdown).rows]


def test_a_blank_leading_cell_inherits_from_the_row_above() -> None:
    rows = "| 一 | 基础 | GPU |\n| | | 数据库 |\n| 二 | 模型 | 语言 |\n| | 别的 | 视觉 |\n"
    table = f"| 层级 | 分类 | 内容 |\n|---|---|---|\n{rows}"
    assert cells(table) == [
        ("一", "基础", "GPU"),
        ("一", "基础", "数据库"),
        ("二", "模型", "语言"),
        ("二", "别的", "视觉"),
    ]


def test_an_inherited_cell_is_inherited_on() -> None:
    assert cells("| a | b |\n|---|---|\n| g | 1 |\n| | 2 |\n| | 3 |\n") == [("g", "1"), ("g", "2"), ("g", "3")]


def test_only_leading_cells_inherit() -> None:
    assert cells("| a | b | c |\n|---|---|---|\n| x | y | z |\n| p | | q |\n") == [("x", "y", "z"), ("p", "", "q")]


def test_nothing_is_inherited_from_the_header() -> None:
    assert cells("| a | b |\n|---|---|\n| | 1 |\n") == [("", "1")]


def test_a_short_row_is_filled_with_blank_cells() -> None:
    assert cells("| a | b | c |\n|---|---|---|\n| x |\n| y | z |\n") == [("x", "", ""), ("y", "z", "")]


def test_cells_beyond_the_header_belong_to_the_last_one() -> None:
    assert cells("| a |\n|---|\n| x | y |\n| p | | q |\n") == [("x | y",), ("p | | q",)]
    assert cells("| a | b |\n|---|---|\n| x | y ||\n| p | q | | |\n") == [("x", "y"), ("p", "q")]


def test_a_row_without_text_is_left_out() -> None:
    table = read("| a | b |\n|---|---|\n| x | y |\n| | |\n| p | q |\n")
    assert [(row.cells, row.line) for row in table.rows] == [(("x", "y"), 3), (("p", "q"), 5)]


def test_a_row_knows_its_line_in_the_file() -> None:
    assert [row.line for row in read("| a |\n|---|\n| x |\n| y |\n", first_line=10).rows] == [12, 13]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a<br>b", "a; b"),
        ("a</br>b", "a; b"),
        ("甲</br>乙", "甲；乙"),
        ("通用 LLM：</br>GPT-4</br>领域专用：</br>Med-PaLM", "通用 LLM：GPT-4；领域专用：Med-PaLM"),
        ("Models:<br>GPT-4<br>Qwen", "Models:GPT-4; Qwen"),
        ("<br>a<br><br>b<br>", "a; b"),
    ],
)
def test_line_breaks_in_a_cell_become_semicolons(cell: str, expected: str) -> None:
    [row] = read(f"| h |\n|---|\n| {cell} |\n").rows
    assert row.cells[0].replace(": ", ":") == expected.replace(": ", ":")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("**bold**", "bold"),
        ("`a`", "a"),
        (r"a \| b", "a | b"),
        (r"`a\|b`", "a|b"),
        ("<https://x.y/z>", "https://x.y/z"),
        ("[官网](https://x.y)", "官网 (https://x.y)"),
    ],
)
def test_a_cell_is_plain_text(cell: str, expected: str) -> None:
    assert cells(f"| h |\n|---|\n| {cell} |\n") == [(expected,)]


def test_pipes_are_escaped_when_written_as_markdown() -> None:
    table = read("| a \\| b | c |\n|---|---|\n| `x\\|y` | z |\n")
    assert table.head_as_markdown() == "| a \\| b | c |\n|---|---|"
    assert table.rows[0].as_markdown() == "| x\\|y | z |"


def test_a_row_reads_as_header_and_value() -> None:
    row = Row(("层级", "", "地址", "描述"), ("第一层", "无名", "https://x.y", ""), 1)
    assert row.fields() == ["层级: 第一层", "无名", "地址: https://x.y"]
    assert row.as_text() == "层级: 第一层 › 无名 › 地址: https://x.y"


def test_a_header_with_line_breaks_is_written_on_one_line() -> None:
    table = read("| a<br>b | c |\n|---|---|\n| 1 | 2 |\n")
    assert "\n" not in table.headers[0]
    assert table.head_as_markdown().count("\n") == 1


texts = st.text("abc 字|\\`*", min_size=1, max_size=8).map(str.strip).filter(bool)


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(texts, min_size=n, max_size=n), min_size=1, max_size=4)))
def test_a_table_written_as_markdown_has_as_many_cells_as_it_was_read_with(rows: list[list[str]]) -> None:
    """A chat model gets a valid table, whatever the cells contain."""
    headers = tuple(f"h{number}" for number in range(len(rows[0])))
    table = Table(headers, tuple(Row(headers, tuple(row), number) for number, row in enumerate(rows)))
    markdown = "\n".join([table.head_as_markdown(), *(row.as_markdown() for row in table.rows)])
    found = read(markdown)
    assert found.headers == headers
    assert len(found.rows) == len(rows)
    assert all(len(row.cells) == len(headers) for row in found.rows)


SPANNING = {
    "cells that reach down": f"<tr>{'<td rowspan=1000>x</td>' * 3000}</tr>" + "<tr><td>y</td></tr>" * 999,
    "cells that reach across": "<tr>" + "<th colspan=1000>x</th>" * 2100 + "</tr>",
    "short rows below a long one": f"<tr>{'<td>x</td>' * 3000}</tr>" + "<tr><td>y</td></tr>" * 999,
}


@pytest.mark.parametrize("rows", SPANNING.values(), ids=SPANNING)
def test_a_table_that_a_few_bytes_make_huge_is_refused(rows: str) -> None:
    (table,) = parse_document("a.html", f"<table>{rows}</table>".encode()).root.elements("table")
    with pytest.raises(DocumentError, match="more than 2,000,000 cells that the file only implies"):
        read_table(table)


def test_a_large_table_is_read_whole() -> None:
    rows = "<tr><th>a</th><th>b</th></tr>" + "<tr><td>1</td><td>2</td></tr>" * 60_000
    (table,) = parse_document("a.html", f"<table>{rows}</table>".encode()).root.elements("table")
    assert len(read_table(table).rows) == 60_000
