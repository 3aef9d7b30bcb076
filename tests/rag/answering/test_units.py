"""Passages as what is read together."""

import pytest

from rag.answering.units import split_units
from tests.kit.chat import passage

TABS = "运行以下命令：\n\nnpm\n```sh\nnpm init kite\n```\n\npnpm\n```sh\npnpm create kite\n```"


def units_of(content: str) -> list[list[str]]:
    return [[span.quote for block in unit.blocks for span in block.spans] for unit in split_units(passage(1, content))]


@pytest.mark.parametrize("below", ["- 甲\n- 乙", "```sh\nmake\n```", "| a | b |\n|---|---|\n| x | y |"])
def test_a_lead_in_and_what_it_leads_in_to_are_one_unit(below: str) -> None:
    assert len(units_of(f"先做这些：\n\n{below}")) == 1


def test_code_belongs_to_the_paragraph_above_even_without_a_colon() -> None:
    assert units_of("静默安装，不建快捷方式。\n\n```\nsetup /q\n```\n\n别的事。") == [
        ["静默安装，不建快捷方式。", "```\nsetup /q\n```"],
        ["别的事。"],
    ]


def test_the_tabs_of_one_place_are_one_unit() -> None:
    (unit,) = units_of(TABS)
    assert "npm" in unit
    assert "```sh\npnpm create kite\n```" in unit


def test_paragraphs_are_units_of_their_own() -> None:
    assert units_of("甲。乙。\n\n丙。") == [["甲。", "乙。"], ["丙。"]]


@pytest.mark.parametrize(
    ("content", "is_label"),
    [("升级界面", True), ("下一步>", True), ("已经好了。", False), ("请注意，风筝仅支持 3 号以上的线轴", False)],
)
def test_a_name_without_a_sentence_is_a_label(content: str, is_label: bool) -> None:
    (unit,) = split_units(passage(1, content))
    assert unit.is_label == is_label


def test_each_row_of_a_longer_table_is_a_unit_below_what_leads_in_to_it() -> None:
    table = "| a | b |\n|---|---|\n" + "\n".join(f"| x{number} | y |" for number in range(4))
    first, *rows = split_units(passage(1, f"别的。下表列出全部：\n\n{table}"))
    assert first.text == "别的。"
    above = "下表列出全部：\n| a | b |\n|---|---|"
    assert [(row.text, row.above, row.is_row) for row in rows[:1]] == [("| x0 | y |", above, True)]
    assert len(rows) == 4
