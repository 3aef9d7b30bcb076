"""The names that a question asks about, and the passages that hold them."""

import pytest

from rag.answering.asked_names import asked_names, holds_names, passages_with_names
from rag.answering.coverage import judge_quotes
from rag.answering.quote import choose_quotes
from rag.answering.quotes import Quote
from rag.retrieval.evidence import Evidence
from rag.text.question_form import read_form
from rag.text.spans import split_block_spans
from rag.text.tokens import tokenize_question
from rag.types import Passage
from tests.kit.chat import passage


def evidence_of(question: str, *passages: Passage) -> Evidence:
    return Evidence(question, "zh", passages, dict.fromkeys(tokenize_question(question), 2.0), 0.9)


def test_the_best_quote_is_from_a_passage_that_names_what_is_asked() -> None:
    question = "MySQL 的备份文件放在哪个目录？"
    other = passage(1, "网站的备份文件放在 /data/site 目录。")
    found = evidence_of(question, other, passage(2, "默认路径是 /data/mysql。", heading="MySQL 备份", score=0.8))
    assert [each.number for each in passages_with_names(read_form(question), found)] == [2]
    chosen = choose_quotes(found)
    assert chosen.quotes[-1].passage.number == 2
    assert judge_quotes(chosen.quotes, found) != "missing"


def test_if_no_passage_has_the_name_all_may_be_quoted() -> None:
    found = evidence_of("Kite 怎么升级？", passage(1, "升级前先备份。"), passage(2, "升级后重启。"))
    assert len(passages_with_names(read_form(found.question), found)) == 2


@pytest.mark.parametrize(
    ("text", "holds"), [("需要 Android 10 以上。", True), ("需要 iOS 10 以上。", False), ("安卓手机都行。", True)]
)
def test_a_chinese_name_may_stand_in_the_text_in_english(text: str, holds: bool) -> None:
    found = evidence_of("安卓要什么版本？", passage(1, text))
    assert holds_names(text, ["安卓"], found) == holds


def test_a_day_of_the_week_is_no_name() -> None:
    assert asked_names(read_form("What happens to jobs on a Saturday in Oslo?"), "They wait.") == ["Oslo"]


def test_an_adverb_with_its_adjective_is_no_name() -> None:
    assert asked_names(read_form("上传的文件太大被拒了，在哪里调？"), "文件大小有上限。") == []


def test_a_demonstrative_with_its_measure_word_is_no_name() -> None:
    assert asked_names(read_form("发给客服的那串数字能改吗？"), "数字是随机的。") == []


def test_a_name_in_the_section_of_a_quote_is_held() -> None:
    question = "How many lanes can a Harbourmaster open with the 40 series firmware?"
    row = "Firmware: 40 to 47 › Open lanes: up to 6 lanes"
    lead = passage(2, "A Harbourmaster limits the lanes that are open.", heading="Limits", score=0.7)
    idf = dict.fromkeys(tokenize_question(question), 2.0)
    for heading, expected in (("Limits", False), ("Prices", True)):
        table = passage(1, row, kind="row", heading=heading)
        found = Evidence(question, "en", (table, lead), idf, 0.9)
        [block] = split_block_spans(table.chunk)
        quote = Quote(table, block, block.spans)
        assert (judge_quotes([quote], found) == "missing") is expected


def test_a_list_about_something_else_is_not_quoted_if_a_passage_has_the_name() -> None:
    question = "导入 Cobalt 的压缩包有什么要求？"
    other = passage(1, "- 导入的压缩包有要求：要有 a.txt\n- 导入的压缩包不能太大", kind="list", heading="导入的要求")
    own = passage(2, "- Cobalt 只收 zip\n- 里面要有 b.txt", kind="list", heading="恢复", score=0.6)
    assert {quote.passage.number for quote in choose_quotes(evidence_of(question, other, own)).quotes} == {2}


def test_words_of_the_question_in_different_sections_do_not_tell_it_together() -> None:
    question = "How do I set up a split test?"
    idf = dict.fromkeys(tokenize_question(question), 2.0)
    parts = [
        passage(1, "Set up an account in the settings.", heading="Account"),
        passage(2, "Split the bill, and test the card.", heading="Bill"),
    ]
    found = Evidence(question, "en", tuple(parts), idf, 0.4)
    chosen = choose_quotes(found)
    assert {quote.passage.number for quote in chosen.quotes} == {1, 2}
    assert judge_quotes(chosen.quotes, found) == "unknown"
