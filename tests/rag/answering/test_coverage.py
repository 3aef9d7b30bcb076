"""Whether quotes tell what is asked, by the words of both."""

import pytest

from rag.answering.coverage import Verdict, judge_quotes
from rag.answering.quote import choose_quotes
from rag.answering.quotes import Quote
from rag.retrieval.evidence import Evidence
from rag.text.language import detect_reply_language
from rag.text.spans import split_block_spans
from rag.text.table_rows import Cell, TableRow
from rag.text.tokens import tokenize_question
from rag.types import Passage
from tests.kit.chat import passage

BUOY = "The old buoy of Andøya was painted after the storm."


def verdict(question: str, text: str, *, probability: float = 0.9) -> Verdict:
    idf = dict.fromkeys(tokenize_question(question), 2.0)
    evidence = Evidence(question, detect_reply_language(question), (passage(1, text),), idf, probability)
    chosen = choose_quotes(evidence)
    return judge_quotes(chosen.quotes, evidence, is_exact=chosen.is_exact)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("When was the old buoy of Andøya painted?", BUOY),
        ("仓库何时盘点", "仓库在装修完工之后盘点。"),
    ],
)
def test_a_text_that_holds_all_else_tells_the_attribute_in_words_of_its_own(question: str, text: str) -> None:
    assert verdict(question, text) == "told"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How much does the buoy cost?", BUOY),
        ("When was the buoy of Andøya built in the yard?", BUOY),
        ("Andøya 浮标的价格是多少", "Andøya 浮标是红色的。"),
    ],
)
def test_a_text_about_the_thing_without_the_attribute_does_not(question: str, text: str) -> None:
    assert verdict(question, text) == "missing"


@pytest.mark.parametrize(
    ("question", "text", "told"),
    [
        ("年会照片能存到云盘吗？", "照片支持的存储有云盘和硬盘。", True),
        ("年会可以带着家人一起来吗？", "年会在一月。", False),
        ("Kite 支持断点续传吗？", "Kite 是文件同步工具。", False),
        ("冬天去山上总是冻得睡不着，营地里有租用的睡袋吗？", "睡袋在前台领。", True),
        ("冬天去山上总是冻得睡不着，营地里有租用的睡袋吗？", "营地在山上。", False),
    ],
)
def test_a_question_for_yes_or_no_is_judged_by_what_it_asks_of_its_subject(
    question: str, text: str, told: bool
) -> None:
    assert (verdict(question, text, probability=0.7) != "missing") == told


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("茶水间的冰箱塞满了怎么办？", "冰箱里的东西每周五清理。"),
        ("新建的储物柜怎么上锁？", "储物柜要用门卡锁。"),
    ],
)
def test_an_ordinary_word_is_no_name_that_must_be_told(question: str, text: str) -> None:
    assert verdict(question, text, probability=0.6) != "missing"
    assert verdict(f"香港的{question}", text, probability=0.6) == "missing"


def test_a_word_that_no_dictionary_has_must_be_told_unless_an_answer_is_likely() -> None:
    question, text = "李志鹏的储物柜怎么上锁？", "储物柜要用门卡锁。"
    assert [verdict(question, text, probability=each) for each in (0.6, 0.8)] == ["missing", "unknown"]


def test_a_question_for_yes_or_no_whose_passages_are_likely_to_answer_it_is_not_judged_by_words() -> None:
    question, text = "年会可以带着家人一起来吗？", "年会只请员工本人。"
    assert [verdict(question, text, probability=each) for each in (0.7, 0.8)] == ["missing", "unknown"]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("根据灯塔手册，浮标保管员老周的灯塔是什么颜色？", "灯塔手册：浮标保管员老周的灯塔在岛上。"),
        ("浮标保管员老周的乌龟名字是什么？", "浮标保管员老周的名字写在灯塔上。"),
        ("浮标保管员老周的生日是什么时候？", "浮标保管员老周在灯塔值班，1月3日出海。"),
        ("老周的灯塔里有几只猫？", "老周的灯塔里有 3 盏灯。"),
        ("灯塔的浮标支持 zigbee 吗？", "灯塔的浮标支持 mqtt。"),
        ("How many lamps does the old buoy of Andøya have?", BUOY),
        ("What colour is the old buoy of Andøya after the storm?", BUOY.replace("painted", "moved")),
    ],
)
def test_what_no_passage_names_is_missing(question: str, text: str) -> None:
    assert verdict(question, text) == "missing"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("浮标保管员老周的乌龟名字是什么？", "浮标保管员老周养的乌龟叫小黑。"),
        ("浮标保管员老周的生日是什么时候？", "浮标保管员老周的出生日期是 1990 年 1 月 3 日。"),
        ("老周的灯塔里有几只猫？", "老周的灯塔里有三只橘猫。"),
        ("浮标可以用 vscode 配置吗？", "浮标可以用 VS Code 配置。"),
        ("浮标的软件支持 mac 吗？", "浮标的软件有 macOS 版。"),
        ("How many lapms does the old buoy of Andøya have?", "The old buoy of Andøya has two lamps."),
    ],
)
def test_what_a_passage_names_in_another_form_is_not_missing(question: str, text: str) -> None:
    assert verdict(question, text) != "missing"


def test_an_attribute_of_another_thing_is_missing() -> None:
    question = "Kite 的价格是多少"
    texts = (passage(1, "Kite 用来放风筝。", heading="Kite"), passage(2, "收藏版售价 30 元。", heading="Buoy"))
    idf = dict.fromkeys(tokenize_question(question), 2.0)
    evidence = Evidence(question, "zh", texts, idf, 0.9)
    assert judge_quotes([quote for each in texts for quote in _all_of(each)], evidence) == "missing"


TABLE = "| | 小艇 | 大船 |\n|---|---|---|\n| 参数量 | 1 亿 | 超过 10 亿 |\n| 典型型号 | Kite-2 | Buoy-7、Buoy-8 |"


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Buoy-7 的参数量是多少？", False),
        ("How many parameters does Buoy-7 have?", False),
        ("大船的参数量是多少？", True),
    ],
)
def test_what_one_row_says_of_all_is_no_attribute_of_a_name_in_another_row(question: str, told: bool) -> None:
    assert (verdict(question, TABLE) != "missing") == told


def test_a_table_about_one_name_tells_its_attributes_in_all_rows() -> None:
    table = passage(1, "| 项目 | 值 |\n|---|---|\n| 名称 | Buoy-7 |\n| 参数量 | 10 亿 |")
    question = "Buoy-7 的参数量是多少？"
    evidence = Evidence(question, "zh", (table,), dict.fromkeys(tokenize_question(question), 2.0), 0.9)
    [block] = split_block_spans(table.chunk)
    rows = tuple(
        TableRow("", (Cell("项目", name), Cell("值", value)))
        for name, value in (("名称", "Buoy-7"), ("参数量", "10 亿"))
    )
    assert judge_quotes([Quote(table, block, block.spans, rows=rows)], evidence) != "missing"


def _all_of(each: Passage) -> list[Quote]:
    return [Quote(each, block, block.spans) for block in split_block_spans(each.chunk)]
