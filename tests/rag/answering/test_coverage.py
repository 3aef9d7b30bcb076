"""Whether quotes tell what is asked, by the words of both."""

import pytest

from rag.answering.coverage import Verdict, judge_quotes
from rag.answering.quote import choose_quotes
from rag.retrieval.evidence import Evidence
from rag.text.language import detect_reply_language
from rag.text.tokens import tokenize_question
from tests.kit.chat import passage

BUOY = "The old buoy of Andøya was painted after the storm."


def verdict(question: str, text: str) -> Verdict:
    idf = dict.fromkeys(tokenize_question(question), 2.0)
    evidence = Evidence(question, detect_reply_language(question), (passage(1, text),), idf, 0.9)
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
