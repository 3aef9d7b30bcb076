"""A question and a text in two languages are compared by translations."""

import pytest

from rag.retrieval.translated_words import coverage_across, translate_question
from rag.text.tokens import tokenize


def words_of(question: str) -> list[str]:
    return [each.word for each in translate_question(question)]


def shares(question: str, *texts: str) -> list[float]:
    terms = {text: frozenset(tokenize(text)) for text in texts}
    found = coverage_across(translate_question(question), terms)
    return [found.get(text, 0.0) for text in texts]


def test_question_words_and_function_words_are_left_out() -> None:
    assert words_of("How do I change the password?") == ["change", "password"]
    assert words_of("怎么把密码改掉？") == ["密码", "改掉"]


def test_chinese_is_cut_into_the_longest_words_of_the_dictionary() -> None:
    assert words_of("普通用户的数据库密码") == ["普通", "用户", "数据库", "密码"]


def test_a_phrase_is_one_word() -> None:
    assert "load balancing" in words_of("Where is load balancing configured?")


def test_traditional_characters_are_translated_as_simplified_ones() -> None:
    assert translate_question("資料庫備份") == translate_question("资料库备份")


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("How long are backups kept?", "备份保留 30 天。", "证书每年更新一次。"),
        ("证书多久更新一次？", "Certificates are renewed every year.", "Backups are kept for 30 days."),
        ("怎么重启 nginx？", "To restart nginx, run the command below.", "To stop redis, run the command below."),
        ("Which port does the gateway use?", "网关默认监听 8443 端口。", "网关由运维组维护。"),
    ],
)
def test_the_text_that_holds_the_words_in_translation_has_the_higher_share(
    question: str, right: str, wrong: str
) -> None:
    best, other = shares(question, right, wrong)
    assert best > other


def test_a_name_counts_as_it_is() -> None:
    assert shares("What is Zorblax?", "Zorblax 是一个工具。", "这里没有它。") == [1.0, 0.0]


def test_a_word_that_has_no_translation_and_stands_nowhere_counts_nothing() -> None:
    assert shares("Does Zorblax keep backups?", "备份保留 30 天。", "证书。") == shares(
        "keep backups", "备份保留 30 天。", "证书。"
    )
    assert coverage_across(translate_question("What is Zorblax?"), {"a": frozenset({"备份"})}) == {}


def test_a_rare_word_counts_more() -> None:
    texts = ["网关", "端口", *["端口 一"] * 1, "端口 二", "端口 三"]
    only_rare, only_frequent, *_ = shares("gateway port", *texts)
    assert only_rare > only_frequent


def test_of_a_very_long_question_the_first_words_count() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    question = " ".join(f"{one}{two}x" for one in letters for two in letters)
    assert len(translate_question(question)) == 24


def test_a_question_without_words_has_no_shares() -> None:
    assert coverage_across(translate_question("？"), {"a": frozenset({"备"})}) == {}
