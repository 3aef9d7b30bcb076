"""Markdown becomes sections under its headings, with the lines of the file."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking.sections import Section, parse_sections
from ingest.markup.markdown_tree import markdown_tree
from ingest.readers.parse import parse_document
from tests.kit.paths import ROOT

OVERVIEW = ROOT / "knowledge" / "overview.md"


def sections_of(markdown: str, first_line: int = 1) -> list[Section]:
    return parse_sections(markdown_tree(markdown, first_line))


@pytest.fixture(scope="module")
def overview() -> list[Section]:
    document = parse_document("overview.md", OVERVIEW.read_bytes())
    return parse_sections(document.root)


def test_the_shipped_knowledge_has_these_sections(overview: list[Section]) -> None:
    assert [(section.heading_path, section.anchor) for section in overview] == [
        (("概述", "资源"), "资源"),
        (("概述", "概念"), "概念"),
        (("概述", "AIGC 开发平台"), "aigc-开发平台"),
        (("概述", "学习路线"), "学习路线"),
        (("概述", "AI 工程架构"), "ai-工程架构"),
        (
            ("概述", "FAQ", "Embedding Model vs. Large Language Model"),
            "embedding-model-vs-large-language-model",
        ),
    ]


def test_the_shipped_knowledge_has_these_blocks(overview: list[Section]) -> None:
    found = [
        (block.kind, block.caption, len(block.table.rows) if block.table else len(block.lines))
        for section in overview
        for block in section.blocks
    ]
    assert found == [
        ("table", "学提示词，可以看这些教程", 2),
        ("table", "学大模型与 Python，可以上这里的课程", 1),
        ("table", "练手用的大模型接口，可以从这里申请", 1),
        ("table", "可选的 AI 客户端应用和 IDE", 7),
        ("table", "", 3),
        ("list", "", 4),
        ("list", "", 19),
        ("table", "", 17),
        ("table", "", 4),
    ]


def test_the_lines_of_the_shipped_knowledge_read_back_from_the_file(overview: list[Section]) -> None:
    """The front matter counts."""
    file = ["", *OVERVIEW.read_text(encoding="utf-8").split("\n"), ""]
    for block in (block for section in overview for block in section.blocks):
        assert block.caption in file[block.start_line]
        assert (file[block.start_line - 1], file[block.end_line + 1]) == ("", "")
        for line in block.lines:
            assert file[line.start_line].split() == line.text.split()
            assert line.end_line == line.start_line
        for row in block.table.rows if block.table else ():
            last = next(cell for cell in reversed(row.cells) if cell)
            assert last.split("：")[0].split("；")[0] in file[row.line]


def test_line_breaks_and_inherited_cells_of_the_shipped_knowledge(overview: list[Section]) -> None:
    layers, models = (section.blocks[0].table for section in overview[-2:])
    assert layers
    assert models
    assert layers.rows[1].cells == ("第一层", "基础设施", "向量数据库", "Milvus, PingCAP（基于 TiKV 的向量引擎）")
    assert models.headers == ("", "Embedding Model", "Large Language Model")
    assert models.rows[3].cells[2].startswith("通用 LLM：GPT-4、Claude 3、Llama 3；领域专用：BloombergGPT")
    resources = overview[0].blocks[0].table
    assert resources
    assert resources.rows[0].cells == ("Learning Prompt", "https://learningprompt.wiki/zh-Hans/", "")


def test_the_text_before_the_first_heading_has_an_empty_path() -> None:
    [section] = sections_of("before\n")
    assert (section.heading_path, section.anchor) == ((), "")


def test_a_heading_is_below_the_nearest_higher_one() -> None:
    text = "# A\n\n1\n\n### C\n\n2\n\n## B\n\n3\n\n# D\n\n4\n\n## E\n\n5\n"
    assert [section.heading_path for section in sections_of(text)] == [
        ("A",),
        ("A", "C"),
        ("A", "B"),
        ("D",),
        ("D", "E"),
    ]


def test_a_section_without_text_is_left_out_but_not_its_heading() -> None:
    assert [section.heading_path for section in sections_of("# A\n\n## B\n\nx\n")] == [("A", "B")]


def test_equal_headings_get_numbered_anchors() -> None:
    text = "".join(f"# {heading}\n\nx\n\n" for heading in ["概述", "概述", "概述-1", "概述"])
    assert [section.anchor for section in sections_of(text)] == ["概述", "概述-1", "概述-1-1", "概述-2"]


def test_a_heading_without_text_of_its_own_still_counts_for_the_numbering() -> None:
    assert [section.anchor for section in sections_of("# A\n\n## A\n\nx\n")] == ["a-1"]


@pytest.mark.parametrize("heading", ["B {#my-id}", "B   {#my-id}  ", "B{#my-id}"])
def test_an_explicit_anchor_is_used_and_not_shown(heading: str) -> None:
    [section] = sections_of(f"## {heading}\n\nx\n")
    assert (section.heading_path, section.anchor) == (("B",), "my-id")


def test_a_heading_is_plain_text() -> None:
    [section] = sections_of("## `code` & [link](https://x.y) **bold** &lt;\n\nx\n")
    assert section.heading_path == ("code & link bold <",)


def test_underlined_headings_are_headings() -> None:
    text = "Title\nmore\n=====\n\nfirst\n\nSub\n---\n\nsecond\n"
    assert [section.heading_path for section in sections_of(text)] == [("Title more",), ("Title more", "Sub")]


def test_a_closed_heading_loses_its_closing_marks() -> None:
    assert sections_of("## A ##\n\nx\n")[0].heading_path == ("A",)


def test_lines_are_counted_from_the_first_line_of_the_body() -> None:
    [section] = sections_of("\n# A\n\nfirst\nsecond\n", first_line=10)
    [block] = section.blocks
    assert (block.start_line, block.end_line) == (13, 14)
    assert (block.lines[0].start_line, block.lines[0].end_line) == (13, 14)


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from("ab \n\n\n#-*>|`~1.=字<!:[](){}\t\\_&"), max_size=200), st.integers(1, 50))
def test_any_text_gives_blocks_in_order_within_the_file(text: str, first_line: int) -> None:
    last = first_line + text.count("\n")
    before = first_line
    for section in sections_of(text, first_line):
        assert section.blocks
        for block in section.blocks:
            assert before <= block.start_line <= block.end_line <= last
            before = block.start_line
            for line in block.lines:
                assert block.start_line <= line.start_line <= line.end_line <= max(block.end_line, line.start_line)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["# 甲", "## 甲", "### A b", "甲\n===", "## 甲-1", "#"]), min_size=1, max_size=10))
def test_anchors_within_a_document_are_unique(headings: list[str]) -> None:
    anchors = [section.anchor for section in sections_of("\n\n".join(f"{heading}\n\nx" for heading in headings))]
    assert len(set(anchors)) == len(anchors)


def test_nesting_deeper_than_the_parser_reads_is_refused() -> None:
    """The parser would skip anything deeper and, for lists, everything after it."""
    for mark, depth in (("> ", 99), ("- ", 49)):
        [section] = sections_of(f"{mark * depth}deep\n\nafter\n")
        assert "deep" in str(section)
        assert "after" in str(section)
        with pytest.raises(RecursionError, match="nested more than 100 levels deep"):
            sections_of(f"{mark * (depth + 2)}deep\n\nafter\n")
