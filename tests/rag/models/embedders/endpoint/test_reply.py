"""Reading the vectors of an answer."""

import json

import numpy as np
import pytest

from rag.models.embedders.endpoint.reply import InvalidReply, read_vectors


def body(*rows: dict[str, object]) -> bytes:
    return json.dumps({"data": list(rows)}).encode()


def numbered(*indexes: int | None) -> bytes:
    """Vectors along the axes 0, 1, 2 … with these numbers, None for a row without."""
    rows: list[dict[str, object]] = []
    for axis, index in enumerate(indexes):
        vector = [float(axis == other) for other in range(len(indexes))]
        rows.append({"embedding": vector} | ({} if index is None else {"index": index}))
    return body(*rows)


@pytest.mark.parametrize(
    ("indexes", "order"),
    [
        ([0, 1, 2], [0, 1, 2]),
        ([2, 0, 1], [1, 2, 0]),
        ([None, None, None], [0, 1, 2]),
        ([0, 0, 0], [0, 1, 2]),
        ([None, 1, 2], [0, 1, 2]),
        ([2, None, 1], [1, 2, 0]),
        ([1, 2, 3], [0, 1, 2]),
        ([12, 11, 10], [2, 1, 0]),
    ],
)
def test_vectors_are_put_in_the_order_of_the_texts(indexes: list[int | None], order: list[int]) -> None:
    assert read_vectors(numbered(*indexes), 3).argmax(axis=1).tolist() == order


@pytest.mark.parametrize("indexes", [[0, 0, 1], [0, 2, 4], [1, 1, 1]])
def test_numbers_that_say_nothing_of_the_order_are_an_error(indexes: list[int]) -> None:
    with pytest.raises(InvalidReply, match="not numbered one after the other"):
        read_vectors(numbered(*indexes), 3)


def test_vectors_get_length_one_and_what_is_no_vector_becomes_nan() -> None:
    rows: list[list[float | None]] = [[3, 4], [0, 0], [float("nan"), 1], [float("inf"), 1], [None, 1], [1e308, 1e308]]
    vectors = read_vectors(body(*({"index": at, "embedding": row} for at, row in enumerate(rows))), len(rows))
    assert vectors.dtype == np.float32
    assert vectors[0] == pytest.approx([0.6, 0.8])
    assert np.isnan(vectors[1:]).all()


@pytest.mark.parametrize(
    "answer",
    [
        [[3, 4], [4, 3]],
        {"embeddings": [[3, 4], [4, 3]]},
        {"embeddings": {"float": [[3, 4], [4, 3]]}},
        {"data": [[3, 4], [4, 3]]},
        {"data": [{"embedding": "AABAQAAAgEA="}, {"embedding": "AACAQAAAQEA="}]},
        [{"index": 1, "embedding": [[4, 3]]}, {"index": 0, "embedding": [[3, 4]]}],
        {"output": {"embeddings": [{"text_index": 1, "embedding": [4, 3]}, {"text_index": 0, "embedding": [3, 4]}]}},
    ],
    ids=["TEI", "Ollama", "Cohere", "lists in data", "base64", "llama.cpp", "DashScope"],
)
def test_each_form_of_an_answer_is_understood(answer: object) -> None:
    assert read_vectors(json.dumps(answer).encode(), 2) == pytest.approx(np.array([[0.6, 0.8], [0.8, 0.6]]))


@pytest.mark.parametrize("answer", [{"data": "x"}, {"data": [1, [2]]}, {"data": [{"embedding": "?"}]}, {"data": [{}]}])
def test_another_form_is_an_error(answer: object) -> None:
    with pytest.raises(InvalidReply):
        read_vectors(json.dumps(answer).encode(), 1)
