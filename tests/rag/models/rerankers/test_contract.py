"""The contract of both rerankers."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rag.models.rerankers.cross_encoder import CrossEncoderReranker
from rag.models.rerankers.protocol import Reranker
from tests.kit.openai_server import openai_server
from tests.kit.rerankers import QUESTION, TEXTS, client_of, shared_words


@pytest.fixture(scope="module", params=["cross-encoder", "http"])
def reranker(request: pytest.FixtureRequest) -> Iterator[Reranker]:
    if request.param == "cross-encoder":
        yield CrossEncoderReranker(model=str(request.getfixturevalue("tiny_model")))
        return
    with openai_server(shared_words) as server:
        yield client_of(server)


def test_each_text_has_a_score_between_0_and_1(reranker: Reranker) -> None:
    scores = reranker.scores(QUESTION, TEXTS)
    assert len(scores) == len(TEXTS)
    assert all(type(score) is float and 0 <= score <= 1 for score in scores)
    assert len(set(scores)) > 1


def test_scores_stand_in_the_order_of_the_texts(reranker: Reranker) -> None:
    scores = reranker.scores(QUESTION, TEXTS)
    assert reranker.scores(QUESTION, TEXTS[::-1]) == pytest.approx(scores[::-1], abs=1e-5)
    assert [reranker.scores(QUESTION, [text])[0] for text in TEXTS] == pytest.approx(scores, abs=1e-5)


def test_no_texts_have_no_scores(reranker: Reranker) -> None:
    assert reranker.scores(QUESTION, []) == []


def test_odd_texts_are_scored_like_any_other(reranker: Reranker) -> None:
    texts = [
        "",
        " ",
        "😀👩‍👩‍👧‍👦",
        "half a pair \ud83d here",
        "\u200b\ufeff\x1b",
        "字" * 900,
        "row\0key",
        "word " * 5000,
    ]
    assert len(reranker.scores("half \udc00 a question\0", texts)) == len(texts)


def test_eight_threads_get_what_one_gets(reranker: Reranker) -> None:
    texts = [TEXTS[0], " ".join(TEXTS * 9)]
    scores = reranker.scores(QUESTION, texts)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: reranker.scores(QUESTION, texts), range(16)):
            assert result == pytest.approx(scores, abs=1e-5)


def test_the_name_says_which_model(reranker: Reranker) -> None:
    assert re.fullmatch(r"(cross-encoder|http)/\S+", reranker.name)
