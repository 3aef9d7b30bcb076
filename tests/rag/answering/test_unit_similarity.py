"""Units of passages compared with questions in other words or in another language."""

from rag.answering.unit_similarity import similar_units
from rag.models.embedders.scripted import ScriptedEmbedder
from tests.kit.chat import passage

ZH = passage(1, "灯塔建于 1911 年。灯塔每天早上七点开门，周一休息。")


def test_units_in_another_language_are_compared_also_in_translation() -> None:
    assert similar_units("When was the lighthouse built?", [ZH], {}, ScriptedEmbedder())


def test_the_unit_that_says_it_in_other_words_is_the_most_similar() -> None:
    text = "The cellar is cold.\n\nThe lighthouse was built in 1911."
    found = similar_units("When was the lighthouse built?", [passage(1, text)], {"lighthouse": 2.0}, ScriptedEmbedder())
    assert found == {"The cellar is cold.": 0.0, "The lighthouse was built in 1911.": 1.0}


def test_nothing_is_compared_without_passages() -> None:
    assert similar_units("When was the lighthouse built?", [], {}, ScriptedEmbedder()) == {}
