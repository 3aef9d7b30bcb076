"""HTML within Markdown is read as in an HTML file; an element that HTML does not have is text."""

import pytest

from tests.kit.conversion import chunks_of, lines_of, text_of

PLANS = """# 套餐

<table>
  <tr><th>套餐</th><th>月费</th><th>流量</th></tr>
  <tr><td>畅享1</td><td>39 元</td><td>20&nbsp;GB</td></tr>

  <tr><td>畅享2</td>

<td>

- 59 元
- 首月 **9 元**

</td><td>60&nbsp;GB</td></tr>
</table>
"""


def rows_of(source: str, text: str) -> list[str]:
    return [chunk.content for chunk in chunks_of(source, text) if chunk.kind == "row"]


def test_a_table_keeps_its_cells_apart_even_if_blank_lines_interrupt_it() -> None:
    assert rows_of("a.md", PLANS) == [
        "套餐: 畅享1 › 月费: 39 元 › 流量: 20 GB",
        "套餐: 畅享2 › 月费: 59 元；首月 9 元 › 流量: 60 GB",
    ]
    assert lines_of("a.md", PLANS, "套餐: 畅享2") == (7, 14)


INDENTED = """<table>
  <tr><th>套餐</th><th>月费</th></tr>

    <tr><td>畅享1</td><td>39 元</td></tr>

    <tr>

      <td>畅享2</td>

      <td
        class="price">59 元</td>

    </tr>

</table>
"""


def test_rows_and_cells_that_are_indented_behind_empty_lines_are_read() -> None:
    assert rows_of("a.md", INDENTED) == ["套餐: 畅享1 › 月费: 39 元", "套餐: 畅享2 › 月费: 59 元"]


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("<ul>\n\n    <li>甲</li>\n\n    <li>乙</li>\n\n</ul>\n", "- 甲\n- 乙"),
        ("<div>\n\n    <p>甲</p>\n\n    <b>乙</b> 丙\n\n</div>\n", "甲\n\n乙 丙"),
        ("- <div>\n\n      <p>甲</p>\n\n  </div>\n", "- 甲"),
        ("<div>甲</div>\n\n    <p>x</p>\n", "甲\n\n```\n<p>x</p>\n```"),
        ("<p>甲\n\n    <div>x</div>\n\n乙\n", "甲\n\n```\n<div>x</div>\n```\n\n乙"),
        ("<div>\n\n    x = 1\n\n</div>\n", "```\nx = 1\n```"),
        ("- <div>\n\n甲\n\n    <p>x</p>\n\n</div>\n", "甲\n\n```\n<p>x</p>\n```"),
    ],
)
def test_an_indented_tag_is_html_within_an_element_and_else_code(markdown: str, text: str) -> None:
    assert text_of("a.md", markdown) == text


@pytest.mark.parametrize("source", ["a.md", "a.html"])
def test_text_in_a_table_outside_of_its_cells_is_read(source: str) -> None:
    rows = "<tr>行里<td>a</td><td>1</td></tr>\n行间<div>块</div><tr><td>b</td><td>2</td></tr>"
    table = f"<table>\n<caption>题</caption>表外。\n{rows}</table>\n"
    assert {"表外。", "行里", "行间", "块"} <= set(text_of(source, table).split())
    assert rows_of(source, table) == ["题 › a › 1", "题 › b › 2"]


PARAMETERS = """<table>
<tr><th>参数</th><th>说明</th></tr>
<tr><td>limit</td><td>{}</td></tr>
<tr><td>page</td><td>页码</td></tr>
</table>
"""


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<pre>上限 50</pre>", "上限 50"),
        ("<pre>\na: 1\n  b: 2\n</pre>", "a: 1; b: 2"),
        ("例如<pre>a=1<br>b=2</pre>", "例如；a=1；b=2"),
        ("\n\n```json\n[1]\n```\n\n", "[1]"),
    ],
)
def test_code_in_a_cell_stays_in_its_row(cell: str, text: str) -> None:
    assert rows_of("a.md", PARAMETERS.format(cell)) == [f"参数: limit › 说明: {text}", "参数: page › 说明: 页码"]


def test_code_of_several_lines_in_a_cell_also_stands_below_the_table_as_it_is_written() -> None:
    text = text_of("a.md", PARAMETERS.format("<pre>\nif a:\n    b = 1\n</pre>"))
    assert "```\nif a:\n    b = 1\n```" in text


def test_marks_of_a_generator_in_an_indented_table_are_no_code() -> None:
    table = "<table>\n  <tbody>\n    {%- for x in y %}\n    <tr>\n      <td>甲</td>\n    </tr>\n    {%- endfor %}\n"
    assert rows_of("a.md", f"{table}  </tbody>\n</table>\n") == ["甲"]


def test_code_in_a_cell_of_a_pipe_table_stays_in_its_row() -> None:
    table = "| 参数 | 说明 |\n|---|---|\n| limit | <pre>a=1<br>b=2</pre> |\n"
    assert rows_of("a.md", table) == ["参数: limit › 说明: a=1; b=2"]


@pytest.mark.parametrize(
    "table",
    [
        "<table><tr><td><pre>1\n2</pre></td><td><pre>a = 1\nb = 2</pre></td></tr></table>",
        PARAMETERS.format("<p>甲</p><ul><li>乙</li></ul><pre>a = 1\nb = 2</pre>"),
        PARAMETERS.format("<pre>" + "x = 0\n" * 30 + "a = 1\nb = 2</pre>"),
    ],
)
def test_a_table_that_only_arranges_code_is_read_block_by_block(table: str) -> None:
    assert "a = 1\nb = 2\n```" in text_of("a.html", table)


@pytest.mark.parametrize("source", ["a.md", "a.html"])
def test_spans_leave_each_cell_in_its_column(source: str) -> None:
    table = (
        "<table><thead><tr><th rowspan=2>库区</th><th colspan=2>货架</th></tr>"
        "<tr><th>号</th><th>容量</th></tr></thead>"
        '<tr><td rowspan="2">东区</td><td>A1</td><td>500</td></tr><tr><td>A2</td><td>700</td></tr>'
        "<tr><td>西区</td><td colspan=2>停用</td></tr></table>"
    )
    assert rows_of(source, table) == [
        "库区: 东区 › 货架 号: A1 › 货架 容量: 500",
        "库区: 东区 › 货架 号: A2 › 货架 容量: 700",
        "库区: 西区 › 货架 号: 停用 › 货架 容量: 停用",
    ]


WEEK = "<table><tr><th>城市</th><th>平日</th><th>周末</th></tr>{}</table>"


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (WEEK.format("<tr><td>京</td><td colspan=2>免费</td></tr>"), ["城市: 京 › 平日: 免费 › 周末: 免费"]),
        (WEEK.format("<tr><td>合计</td><td colspan=2>30</td></tr>"), ["城市: 合计 › 平日: 30"]),
        (WEEK.format("<tr><td colspan=3>以下含税</td></tr>"), ["城市: 以下含税"]),
        ("<table><tr><td>地址</td><td colspan=3>杭州</td></tr></table>", ["地址 › 杭州"]),
        (
            "<table><tr><th>职级</th><th>标准</th></tr><tr><th colspan=2>伙食</th></tr>"
            "<tr><td>经理</td><td>90 元</td></tr></table>",
            ["职级: 伙食", "职级: 经理 › 标准: 90 元"],
        ),
        (
            "<table><tr><td></td><th>周一</th><th>周二</th></tr><tr><th>早班</th><td>甲</td><td>乙</td></tr></table>",
            ["早班 › 周一: 甲 › 周二: 乙"],
        ),
        (
            "<table><tr><th>班<th>人</tr><tr><td rowspan=0>早<td>甲</tr><tr><td>乙</tr></table>",
            ["班: 早 › 人: 甲", "班: 早 › 人: 乙"],
        ),
    ],
)
def test_what_spans_columns_is_the_value_of_each_or_names_the_row(table: str, rows: list[str]) -> None:
    assert rows_of("a.html", table) == rows


def test_a_picture_without_description_is_not_as_above() -> None:
    table = "| 状态 | 服务 |\n|---|---|\n| ![正常](ok.svg) | 网关 |\n| ![](bad.svg) | 订单 |\n"
    assert rows_of("a.md", table.replace("状态", "图")) == ["图: 正常 › 服务: 网关", "服务: 订单"]


def test_a_heading_in_html_begins_a_section() -> None:
    chunks = chunks_of(
        "a.md", '<div align="center">\n<h1>知问</h1>\n<p>问答</p>\n</div>\n\n<h2 id="use">用法</h2>\n\n先装。\n'
    )
    assert [(chunk.heading_path, chunk.content) for chunk in chunks] == [
        (("知问",), "问答"),
        (("知问", "用法"), "先装。"),
    ]
    assert chunks[1].anchor == "use"


def test_a_folded_part_is_read_with_its_summary_as_its_label() -> None:
    markdown = "<details>\n<summary>点开看命令</summary>\n\n```sh\nrun it\n```\n\n</details>\n"
    assert text_of("a.md", markdown) == "点开看命令\n```sh\nrun it\n```"


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>藏</p>",
        '<p style="display:none">藏</p>',
        '<span aria-hidden="true">藏</span>',
        "<template>藏</template>",
        "<script>藏</script>",
        "<!-- 藏 -->",
    ],
)
def test_what_a_reader_does_not_see_is_no_text(hidden: str) -> None:
    assert text_of("a.md", f"前\n\n{hidden}\n\n后\n") == "前\n\n后"
    assert text_of("a.html", f"<p>前</p>{hidden}<p>后</p>") == "前\n\n后"


def test_lists_links_and_images_of_html_are_read() -> None:
    markdown = (
        '<ul><li><a href="https://x.cn">官网</a><li>电话 <a href="tel:0571-6000">总机</a></ul>\n\n'
        '<figure><img src="a.png" alt="架构图"><figcaption>图一 架构</figcaption></figure>\n'
    )
    assert text_of("a.md", markdown) == ("- 官网 (https://x.cn)\n- 电话 总机 (tel:0571-6000)\n\n架构图\n\n图一 架构")


@pytest.mark.parametrize(
    "text",
    ["ssh <user>@<host>", "List<String> 与 <T>", "<name>张三</name>", "a < b，c > d", "<https://x.cn/a_b>", "<Order>"],
)
def test_an_element_that_html_does_not_have_is_text(text: str) -> None:
    assert text_of("a.md", text) == text.replace("<https://x.cn/a_b>", "https://x.cn/a_b")
    assert text_of("a.md", f"{text}\n") == text_of("a.md", text)


def test_placeholders_on_a_line_of_their_own_are_text() -> None:
    assert text_of("a.md", "运行：\n\n<path-to-file>\n\n<name>\n") == "运行：\n\n<path-to-file>\n\n<name>"


def test_a_tag_that_markdown_opened_is_not_closed_by_html() -> None:
    assert text_of("a.md", "- 甲 </ul></li> 乙\n- 丙 <b>丁\n\n戊</b> 己\n") == "- 甲  乙\n- 丙 丁\n\n戊 己"


def test_a_math_element_is_its_formula() -> None:
    math = '<math><mi>E</mi><annotation encoding="application/x-tex">E=mc^2</annotation></math>'
    assert text_of("a.html", f"<p>质能 {math} 公式</p>") == "质能 $E=mc^2$ 公式"


def test_elements_nested_thousands_deep_are_read() -> None:
    assert "deep" in text_of("a.md", "<div>" * 5_000 + "deep")
    assert "deep" in text_of("a.html", "<ul><li>" * 5_000 + "deep")


@pytest.mark.parametrize("tag", ["<video src=a.mp4 autoplay>", "<textarea>", "<select>", "<template>", "<svg>"])
def test_an_element_that_hides_but_never_ends_hides_nothing(tag: str) -> None:
    assert text_of("a.md", f"前\n\n{tag}\n\n后\n") == "前\n\n后"
    assert "后" in text_of("a.html", f"<p>前</p>{tag}<p>后</p>")


def test_a_name_with_dots_in_markdown_is_text() -> None:
    assert text_of("a.md", "类型是 <java.util.List> 或 </a.b>。") == "类型是 <java.util.List> 或 </a.b>。"
