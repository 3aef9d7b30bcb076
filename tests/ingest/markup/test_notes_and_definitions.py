"""Nothing is lost without a word: footnotes, definitions that are sentences, headings, captions, addresses."""

import pytest

from tests.kit.conversion import chunks_of, lines_of, text_of


def test_a_short_footnote_stands_in_brackets_where_it_is_referred_to() -> None:
    markdown = "住宿见注[^1]。\n\n市内交通。\n\n[^1]: 每晚六百五十元，\n    离岛另算。\n"
    assert text_of("a.md", markdown) == "住宿见注（每晚六百五十元，离岛另算）。\n\n市内交通。"
    assert lines_of("a.md", markdown, "六百五十元") == (1, 3)


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        (
            "Use `nvm` [^1]\n\n[^1]: [nvm](https://n.io) is a tool. See [its\npage](/x).",
            "Use nvm (nvm (https://n.io) is a tool. See its page)",
        ),
        ("Use `corepack`[^a], too.\n\n[^a]: From version 16.9.", "Use corepack (From version 16.9), too."),
        ("甲[^1]，乙[^1]。\n\n[^1]: 不含税", "甲（不含税），乙（不含税）。"),
        ("- 甲[^1]\n- 乙\n\n[^1]: `a<b`", "- 甲 (a<b)\n- 乙"),
    ],
)
def test_the_marks_of_a_short_footnote_are_no_text(markdown: str, text: str) -> None:
    assert text_of("a.md", markdown) == text


def test_a_row_has_the_footnotes_of_its_cells() -> None:
    markdown = "| 项 | 价 |\n|---|---|\n| 甲 | 5[^1] |\n| 乙 | 6[^1] |\n\n[^1]: 不含税。\n"
    rows = [chunk.content for chunk in chunks_of("a.md", markdown) if chunk.kind == "row"]
    assert rows == ["项: 甲 › 价: 5（不含税）", "项: 乙 › 价: 6（不含税）"]


def test_a_long_footnote_stands_behind_the_block_that_refers_to_it() -> None:
    markdown = "住宿见注[^1]。\n\n市内交通。\n\n[^1]: 每晚六百五十元。\n\n    离岛另算。\n"
    assert text_of("a.md", markdown) == "住宿见注[^1]。\n\n[^1]: 每晚六百五十元。\n\n离岛另算。\n\n市内交通。"
    assert lines_of("a.md", markdown, "六百五十元") == (5, 7)


def test_a_heading_keeps_the_mark_of_its_footnote() -> None:
    chunks = chunks_of("a.md", "# 住宿[^1]\n\n正文。\n\n[^1]: 六百五十元。\n")
    assert {chunk.heading_path for chunk in chunks} == {("住宿[^1]",)}
    assert [chunk.content for chunk in chunks] == ["[^1]: 六百五十元。", "正文。"]


def test_a_footnote_is_copied_to_ten_references_at_most() -> None:
    assert text_of("a.md", "甲[^1] " * 1000 + "\n\n[^1]: 不含税\n").count("不含税") == 10


@pytest.mark.parametrize("note", ["[^a]: 八十元包干。", "[^a]:八十元包干。"])
def test_a_footnote_that_nothing_refers_to_stays_where_it_is(note: str) -> None:
    assert text_of("a.md", f"前。\n\n{note}\n") == "前。\n\n[^a]: 八十元包干。"


def test_footnotes_that_refer_to_each_other_are_all_kept_once() -> None:
    text = text_of("a.md", "见[^1]。\n\n[^1]: 甲，见[^2]。\n\n[^2]: 乙，见[^1]。\n\n[^3]: 丙[^4]。\n\n[^4]: 丁[^3]。\n")
    for word in "甲乙丙丁":
        assert text.count(word) == 1


def test_a_definition_of_a_link_that_is_a_sentence_is_text() -> None:
    assert text_of("a.md", "[重要]: 请在周五前提交\n\n正文。\n") == "[重要]: 请在周五前提交\n\n正文。"


def test_a_definition_that_no_link_uses_is_kept() -> None:
    assert text_of("a.md", "正文。\n\n[仓库]: https://x.cn/r\n") == "正文。\n\n[仓库]: https://x.cn/r"
    assert text_of("a.md", "见[仓库]。\n\n[仓库]: https://x.cn/r\n") == "见仓库 (https://x.cn/r)。"


def test_the_definition_that_people_use_as_a_comment_is_none() -> None:
    assert text_of("a.md", "正文。\n\n[//]: # (内部)\n[comment]: <> (内部)\n") == "正文。"


def test_headings_without_text_below_them_are_text() -> None:
    chunks = chunks_of("a.md", "# 电话\n\n## 机房：7001\n\n## 配电：7002\n\n# 其他\n\n有空再写。\n")
    assert [chunk.content for chunk in chunks] == ["机房：7001", "配电：7002", "有空再写。"]
    assert [chunk.start_line for chunk in chunks] == [3, 5, 9]


def test_the_address_of_a_link_in_a_heading_is_text() -> None:
    chunk = chunks_of("a.md", "## [工单](https://t.cn/x)\n\n在这里报修。\n")[0]
    assert chunk.heading_path == ("工单",)
    assert chunk.content == "工单 (https://t.cn/x)\n\n在这里报修。"


@pytest.mark.parametrize(
    ("heading", "is_text"),
    [
        ("畅行卡：月费 39 元", True),
        ("保修 0571-8000", True),
        ("保留 30 天", True),
        ("Timeout: 15 s", True),
        ("步骤 3：安装", False),
        ("示例 2：查询 1 条 Entity 数据", False),
        ("为什么要 3 个节点？", False),
        ("5 分钟上手", False),
        ("2.3.0（2024-01-05）", False),
    ],
)
def test_a_heading_that_states_a_value_is_text(heading: str, *, is_text: bool) -> None:
    chunk = chunks_of("a.md", f"## {heading}\n\n合约期两年。\n")[0]
    assert chunk.heading_path == (heading,)
    assert chunk.content == (f"{heading}\n\n合约期两年。" if is_text else "合约期两年。")


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("姓名：林小满\n部门：行政部\n电话：0571-8800", "姓名：林小满\n部门：行政部\n电话：0571-8800"),
        ("1、备份\n2、升级\n3、重启", "1、备份\n2、升级\n3、重启"),
        ("• one\n• two", "• one\n• two"),
        ("甲方（盖章）\n乙方（盖章）\n签字日期 2024-1-1", "甲方（盖章）\n乙方（盖章）\n签字日期 2024-1-1"),
        ("出席：赵一、钱二、\n孙三、李四\n缺席：周五", "出席：赵一、钱二、孙三、李四\n缺席：周五"),
        ("押金：500 元\n不可退", "押金：500 元\n不可退"),
        ("##安装\n下载后双击。\n##配置\n改端口。", "##安装\n下载后双击。\n##配置\n改端口。"),
        ("本公司的差旅\n标准如下", "本公司的差旅标准如下"),
        ("见 [手册 3](a.md)\n了解 5 个参数。", "见 手册 3 了解 5 个参数。"),
        ("See\n#2252 and\n`#tag` for more", "See #2252 and #tag for more"),
        ("从源表：bank.holding 增删改\n即可同步到 bank1", "从源表：bank.holding 增删改\n即可同步到 bank1"),
        ("从源表：holding增删改查\n即可同步到目标表", "从源表：holding增删改查即可同步到目标表"),
        ("a long line\nthat goes on", "a long line that goes on"),
        ("一句。\n又一句。", "一句。\n又一句。"),
        ("甲  \n乙\\\n丙", "甲\n乙\n丙"),
    ],
)
def test_lines_that_are_lines_to_a_reader_do_not_run_together(lines: str, text: str) -> None:
    assert text_of("a.md", lines) == text


def test_each_line_of_a_paragraph_is_cited_by_its_own_number_even_after_code_over_two_lines() -> None:
    markdown = "用 `a\nb` 运行。\n第二句。\n第三句。\n"
    [chunk] = chunks_of("a.md", markdown)
    assert chunk.content == "用 a b 运行。\n第二句。\n第三句。"
    assert (chunk.start_line, chunk.end_line) == (1, 4)


def test_a_row_has_what_is_behind_a_bar_too_many() -> None:
    found = "| find | 配合 `xargs | sort` 使用，默认按名称 |\n"
    table = f"| 命令 | 说明 |\n|---|---|\n{found}| a | b | c |\n| `x \\| y` | z |\n"
    rows = [chunk.content for chunk in chunks_of("a.md", table) if chunk.kind == "row"]
    assert rows == [
        "命令: find › 说明: 配合 xargs | sort 使用，默认按名称",
        "命令: a › 说明: b | c",
        "命令: x | y › 说明: z",
    ]


def test_an_item_that_begins_with_a_list_keeps_its_number() -> None:
    assert text_of("a.md", "1. - x\n   - y\n2. z\n") == "1. - x\n  - y\n2. z"
