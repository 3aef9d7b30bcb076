"""Units of passages compared with questions in another language."""

from rag.answering.unit_similarity import similar_units
from tests.kit.chat import passage

ZH = passage(1, "灯塔建于 1911 年。灯塔每天早上七点开门，周一休息。")
EN = passage(2, "The lighthouse was built in 1911. It opens at seven and is closed on Mondays.")


def test_units_are_compared_if_the_best_passage_is_in_another_language() -> None:
    assert similar_units("When was the lighthouse built?", [ZH], lambda texts: [0.5] * len(texts))
    assert similar_units("When was the lighthouse built?", [EN, ZH, ZH, ZH], lambda texts: [0.5] * len(texts)) == {}


def test_words_that_stand_in_the_best_passage_need_no_comparison() -> None:
    found = passage(1, "Kite MCP server 的端口是 8931。")
    assert similar_units("What is the Kite MCP server?", [found], lambda texts: [0.5] * len(texts)) == {}
    assert similar_units("What is the port of the Kite MCP server?", [found], lambda texts: [0.5] * len(texts))
