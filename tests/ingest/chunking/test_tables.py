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


def left_column(header: str, values: list[str]) -> list[str]:
    rows = "".join(f"| {value} | 字段{number} | 文字{number} |\n" for number, value in enumerate(values))
    return [row[0] for row in cells(f"| {header} | 字段 | 说明 |\n|---|---|---|\n{rows}")]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("层级", ["第一层", "第二层"]),
        ("模块", ["用户模块", "订单模块"]),
        ("订单状态", ["待付款", "已付款", "已发货"]),
        ("类型", ["新增", "弃用", "修复"]),
        ("尺码", ["S", "M", "L"]),
        ("类别", ["🍎 水果", "🥦 蔬菜"]),
        ("Region", ["New York", "X-Ray"]),
        ("Speed", ["fast", "slow"]),
        ("可用区", ["杭州 A", "杭州 B"]),
        ("需求", ["登录", "支付"]),
        ("分组", ["默认", "自定义"]),
        ("前端/后端", ["前端", "后端"]),
        ("服务", ["技术支持", "销售"]),
        ("元素", ["非金属", "金属"]),
        ("部门", ["人事部"]),
    ],
)
def test_a_blank_cell_below_the_name_of_a_group_is_as_above(header: str, values: list[str]) -> None:
    assert left_column(header, [each for value in values for each in (value, "")]) == [
        value for value in values for _ in range(2)
    ]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("必填", ["必须"]),
        ("必填", ["M"]),
        ("是否必带", ["带"]),
        ("类别", ["必传"]),
        ("类别", ["是（建议）", "否"]),
        ("iOS", ["✅ 是"]),
        ("iOS", [":white_check_mark:"]),
        ("iOS", ["√ 全部", "× 没有"]),
        ("主键", ["PK", "FK"]),
        ("约束", ["主键", "外键"]),
        ("Key", ["PRI", "MUL"]),
        ("默认", ["默认"]),
        ("只读", ["R"]),
        ("状态", ["已完成"]),
        ("上架", ["已上架", "未上架"]),
        ("登录", ["需登录"]),
        ("标签", ["新"]),
        ("折扣", ["特价"]),
        ("备注", ["已废弃"]),
        ("Deprecated", ["since v3"]),
        ("范围", ["自 v3.2 起"]),
        ("Encrypted", ["AES"]),
        ("热门？", ["A"]),
        ("VIP", ["VIP 专享"]),
        ("提示", ["先登录再调用。"]),
    ],
)
def test_a_blank_cell_below_a_mark_or_a_remark_says_nothing(header: str, values: list[str]) -> None:
    column = [each for value in values for each in (value, "")]
    assert left_column(header, column) == column


LEDGER = """| 类别 | 项目 | 数量 | 金额 |
|---|---|---|---|
| 收入 | 工资 | 1 | 1,000 |
| | 奖金 | 1 | 200 |
| 支出 | 房租 | 1 | 300 |
| | 饭 | 20 | 100 |
"""


@pytest.mark.parametrize("name", ["合计", "结余", "应付款", "税额", "实付（元）", "本月共", "同比增长", "Amount due"])
def test_a_total_and_what_is_below_belong_to_no_group(name: str) -> None:
    found = cells(f"{LEDGER}| | {name} | | 800 |\n| | 备注：不含税 | | |\n")
    assert [row[0] for row in found] == ["收入", "收入", "支出", "支出", "", ""]


def test_what_is_below_a_total_belongs_to_no_group() -> None:
    found = cells(f"{LEDGER}| 总计 | | | 1,600 |\n| | 抹零 | | 1 |\n| | 不含税 | | |\n")
    assert [row[0] for row in found] == ["收入", "收入", "支出", "支出", "总计", "", ""]


def test_a_sum_of_the_rows_above_is_a_total_whatever_its_name() -> None:
    found = cells(f"{LEDGER}| | 花费一览 | | 1,600 |\n")
    assert [row[0] for row in found] == ["收入", "收入", "支出", "支出", ""]


@pytest.mark.parametrize(
    "rows",
    [
        [("订单 1", "货款", "10"), ("", "税额", "1"), ("订单 2", "货款", "20"), ("", "税额", "2")],
        [("订单", "应付款", "decimal"), ("", "税额", "decimal")],
        [("收入", "合计", "30"), ("", "工资", "10"), ("", "奖金", "20"), ("支出", "合计", "5"), ("", "饭", "5")],
        [("性能", "吞吐", "10"), ("", "平均响应时间", "5"), ("", "错误率", "2")],
        [("基础", "A", "10"), ("", "B", "20"), ("", "C", "30")],
    ],
)
def test_a_row_that_is_only_named_like_a_total_belongs_to_its_group(rows: list[tuple[str, ...]]) -> None:
    written = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    found = cells(f"| 组 | 名 | 值 |\n|---|---|---|\n{written}")
    assert [row[1:] for row in found] == [row[1:] for row in rows]
    assert all(row[0] for row in found)


def test_a_large_table_full_of_totals_is_read_in_time() -> None:
    rows = "<tr><td>g</td><td>a</td><td>1</td></tr>" + "<tr><td></td><td>合计</td><td>1</td></tr>" * 20_000
    (table,) = parse_document("a.html", f"<table>{rows}</table>".encode()).root.elements("table")
    assert read_table(table).rows[-1].cells == ("", "合计", "1")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a<br>b", "a; b"),
        ("<pre>a=1<br>b=2</pre>", "a=1; b=2"),
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
    row = Row(("层级", "", "地址", "描述"), ("第一层", "无名", "https://x.y", ""), 1, 1)
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
    table = Table(headers, tuple(Row(headers, tuple(row), number, number) for number, row in enumerate(rows)))
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
