"""A chunk is cut into the spans that an answer quotes: sentences, list items, table rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.text.spans import split_block_spans, split_spans
from rag.types import Chunk, ChunkKind


def chunk(kind: ChunkKind, content: str) -> Chunk:
    return Chunk(
        id="1",
        source="a.md",
        title="",
        heading_path=(),
        anchor="",
        kind=kind,
        position=0,
        group="1",
        start_line=1,
        end_line=1,
        content=content,
    )


def texts(kind: ChunkKind, content: str) -> list[str]:
    return [span.text for span in split_spans(chunk(kind, content))]


def quotes(kind: ChunkKind, content: str) -> list[str]:
    return [span.quote for span in split_spans(chunk(kind, content))]


def both(kind: ChunkKind, content: str) -> list[tuple[str, str]]:
    return [(span.text, span.quote) for span in split_spans(chunk(kind, content))]


def leads(kind: ChunkKind, content: str) -> list[tuple[str, str]]:
    """The first span of each block that is led in to, and its lead-in."""
    blocks = split_block_spans(chunk(kind, content))
    return [(block.spans[0].text, block.lead.quote) for block in blocks if block.lead]


KINDS: tuple[ChunkKind, ...] = ("text", "list", "code", "table", "row")
markdown_like = st.lists(
    st.sampled_from(
        ["- ", "  - ", "1. ", "| a | b |", "|---|---|", "|---|", "| c \\| d |  |", "|", "\n", "\n\n", "```", "\\", " "]
    )
    | st.sampled_from(["。", "！", "? ", ". ", "”", ")", "Ollama", "平台", "v7.5.0", "https://a.cn/?b=c"]),
    max_size=25,
).map("".join)
contents = markdown_like | st.text(max_size=60) | st.text(alphabet="。！？!?.- \n", max_size=6)


@given(st.sampled_from(KINDS), contents)
def test_every_quote_is_word_for_word_in_the_chunk(kind: ChunkKind, content: str) -> None:
    for span in split_spans(chunk(kind, content)):
        assert content[span.start : span.end] == span.quote


@given(st.sampled_from(KINDS), contents)
def test_a_chunk_that_is_not_blank_has_at_least_one_span(kind: ChunkKind, content: str) -> None:
    if content.strip():
        assert split_spans(chunk(kind, content))


@given(contents.filter(lambda content: "|" not in content))
def test_the_sentences_of_a_text_are_in_order_and_complete(content: str) -> None:
    rest = content
    for quote in quotes("text", content):
        before, found, rest = rest.partition(quote)
        assert found
        assert not any(char.isalnum() for char in before)
    assert not any(char.isalnum() for char in rest)


def test_a_row_is_one_span() -> None:
    row = "名词: Ollama › 描述: 大模型平台。可以本地部署。"
    assert both("row", row) == [(row, row)]


def test_a_table_gives_one_span_for_each_row_with_its_headers() -> None:
    table = "| 名词 | 描述 |\n|---|---|\n| Ollama | 平台 |\n| 硅基流动 | 供应商 |"
    assert both("table", table) == [
        ("名词: Ollama › 描述: 平台", "| Ollama | 平台 |"),
        ("名词: 硅基流动 › 描述: 供应商", "| 硅基流动 | 供应商 |"),
    ]


def test_the_caption_of_a_table_is_a_span_of_its_own() -> None:
    table = "可选的客户端：\n| 应用 | 官网 |\n|---|---|\n| Dify | https://dify.ai/zh |"
    assert texts("table", table) == ["可选的客户端：", "应用: Dify › 官网: https://dify.ai/zh"]


def test_an_escaped_pipe_is_part_of_its_cell() -> None:
    table = "| 命令 | 意思 |\n|---|---|\n| a \\| b | 管道 |"
    assert both("table", table) == [("命令: a | b › 意思: 管道", "| a \\| b | 管道 |")]


def test_blank_cells_and_blank_headers_are_left_out() -> None:
    table = "|  | 模型 | 备注 |\n|---|---|---|\n| 参数量 | 1 亿 |  |"
    assert texts("table", table) == ["参数量 › 模型: 1 亿"]


def test_a_table_without_its_ruler_is_one_span() -> None:
    assert quotes("table", "| a | b |\n| c | d |") == ["| a | b |\n| c | d |"]


def test_a_list_item_includes_the_items_below_it() -> None:
    content = "1. 数学\n  - 线性代数\n  - 概率统计\n2. Python\n  - Numpy\n  - matplotlib\n3. 机器学习"
    assert both("list", content) == [
        ("数学: 线性代数、概率统计", "1. 数学\n  - 线性代数\n  - 概率统计"),
        ("Python: Numpy, matplotlib", "2. Python\n  - Numpy\n  - matplotlib"),
        ("机器学习", "3. 机器学习"),
    ]


def test_every_list_marker_begins_an_item() -> None:
    assert texts("list", "- a\n* b\n+ c\n1. d\n2) e") == ["a", "b", "c", "d", "e"]


def test_nested_items_stay_with_their_top_level_item() -> None:
    assert texts("list", "- a\n  - b\n    - c\n- d") == ["a: b, c", "d"]


def test_a_negative_number_does_not_begin_an_item() -> None:
    assert texts("list", "- a\n  -5 degrees") == ["a: -5 degrees"]


def test_the_caption_of_a_list_is_a_span_of_its_own() -> None:
    assert texts("list", "平台：\n- Coze\n- Ollama") == ["平台：", "Coze", "Ollama"]


def test_two_lists_in_one_chunk_stay_apart() -> None:
    assert texts("list", "- a\n- b\n\n1. c\n2. d") == ["a", "b", "c", "d"]


def test_chinese_sentences_end_with_their_marks() -> None:
    content = "Ollama 是平台。它免费吗？当然！支持 v7.5。"
    assert quotes("text", content) == ["Ollama 是平台。", "它免费吗？", "当然！", "支持 v7.5。"]


def test_a_closing_quotation_mark_stays_with_its_sentence() -> None:
    assert quotes("text", "他说：“可以。”然后走了。") == ["他说：“可以。”", "然后走了。"]
    assert quotes("text", "（见上文。）下一句。") == ["（见上文。）", "下一句。"]


def test_english_sentences_end_with_their_marks() -> None:
    content = "Ollama runs models. It is free! Is it local? Yes."
    assert quotes("text", content) == ["Ollama runs models.", "It is free!", "Is it local?", "Yes."]


def test_lines_and_paragraphs_are_sentences_of_their_own() -> None:
    assert quotes("text", "第一段\n第二行\n\n第三段") == ["第一段", "第二行", "第三段"]


@pytest.mark.parametrize(
    "sentence",
    [
        "TiDB v7.5.0 is the version to use.",
        "Use Python 3.11 or later.",
        "See node.js and rag.chat.factory for details.",
        "It costs $3.50 a month.",
        "The U.S. Army uses it.",
        "It reads config.yaml, .env and so on.",
    ],
)
def test_a_full_stop_inside_a_sentence_does_not_cut_it(sentence: str) -> None:
    assert quotes("text", sentence) == [sentence]


@pytest.mark.parametrize(
    "sentence",
    [
        "Use a vector store, e.g. Milvus, for search.",
        "Use the local one, i.e. Ollama.",
        "It was written by Dr. Smith.",
        "Compare TiDB vs. MySQL.",
    ],
)
def test_an_abbreviation_does_not_cut_a_sentence(sentence: str) -> None:
    assert quotes("text", sentence) == [sentence]


@pytest.mark.parametrize(
    "sentence",
    [
        "申请地址是 https://bailian.console.aliyun.com/?tab=model#/model-market，登录后可用。",
        "Open https://example.com/search?q=rag to try it.",
        "The condition is a != b.",
    ],
)
def test_a_mark_inside_an_address_or_an_operator_does_not_cut_a_sentence(sentence: str) -> None:
    assert quotes("text", sentence) == [sentence]


def test_code_is_one_span() -> None:
    code = "```python\nprint('a. B')\n\nprint('c!')\n```"
    assert both("code", code) == [(code, code)]


def test_a_code_block_in_a_text_is_kept_whole() -> None:
    code = "```bash\nzhiwen ask '什么是 Ollama？'\n\nzhiwen serve\n```"
    assert quotes("text", f"先运行。\n\n{code}\n\n然后提问。") == ["先运行。", code, "然后提问。"]


def test_a_code_block_that_was_cut_off_is_kept_whole() -> None:
    assert quotes("text", "例如：\n\n```\na! b\nc") == ["例如：", "```\na! b\nc"]


@pytest.mark.parametrize("content", ["！！！", "???", "。", "……", "🙂", "---"])
def test_a_text_of_marks_alone_is_one_span(content: str) -> None:
    assert quotes("text", content) == [content]


def test_the_spans_of_real_chunks_are_quotes() -> None:
    page = (
        "# 安装\n\n先读[文档](https://a.cn/?b=c)。然后运行：\n\n```sh\npip install zhiwen\n```\n\n"
        "- 一\n\n  第二段\n  续行\n- 二\n  1. 甲\n  2. 乙\n\n> 引文。\n\n"
        "| a | b |\n|---|---|\n| x\\|y | `z` |\n|  | w |\n"
    )
    document = parse_document("a.md", page.encode())
    for found in chunk_document(document, count_tokens=len, max_tokens=400):
        for span in split_spans(found):
            assert span.text
            assert span.quote in found.content


CODE = "```sh\nzhiwen serve\n```"
TABLE = "| a | b |\n|---|---|\n| x | y |"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("需要的材料：\n- 照片\n- 申请表", [("照片", "需要的材料：")]),
        ("见下文。需要的材料：\n\n- 照片", [("照片", "需要的材料：")]),
        ("安装步骤\n1. 下载", [("下载", "安装步骤")]),
        ("步骤如下。\n\n1. 下载", [("下载", "步骤如下。")]),
        ("价格见下表。\n\n" + TABLE, [("a: x › b: y", "价格见下表。")]),
        ("请执行以下命令。\n\n" + CODE, [(CODE, "请执行以下命令。")]),
        ("The steps are as follows.\n\n1. Load it", [("Load it", "The steps are as follows.")]),
        ("Run the following commands.\n\n" + CODE, [(CODE, "Run the following commands.")]),
        ("See the table below.\n\n" + TABLE, [("a: x › b: y", "See the table below.")]),
        ("甲：\n- 一\n\n乙：\n- 二", [("一", "甲："), ("二", "乙：")]),
        ("- 照片\n- 运行：\n\n" + CODE, [(CODE, "- 运行：")]),
        # No lead-ins.
        ("今天天气好。\n\n- 照片", []),
        ("18 岁以下免费。\n\n- 照片", []),
        ("It was below zero.\n\n- ice", []),
        ("材料：\n\n照片要一寸。", []),
    ],
)
def test_a_list_a_table_and_code_have_the_sentence_that_leads_in_to_them(
    content: str, found: list[tuple[str, str]]
) -> None:
    assert leads("text", content) == found


def test_a_fence_is_closed_by_one_that_is_as_long() -> None:
    code = "````md\n```sh\nls\n```\n````"
    assert quotes("text", f"例如：\n\n{code}\n\n完。") == ["例如：", code, "完。"]


def test_code_in_an_item_belongs_to_it_with_its_blank_lines() -> None:
    item = "- 运行\n  ```py\n  a = 1\n\n  b = 2\n  ```"
    assert quotes("text", f"步骤：\n{item}\n- 完成\n\n后文。") == ["步骤：", item, "- 完成", "后文。"]
