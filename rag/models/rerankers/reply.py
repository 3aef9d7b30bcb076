"""From the body of a rerank endpoint's answer to scores, in whatever form the server sends them."""

import json
from typing import Any

_LISTS = ("results", "data", "rankings", "ranks", "scores", "output", "result")
_SCORES = ("relevance_score", "score", "relevanceScore", "similarity", "logit")
_NUMBERS = ("index", "corpus_id", "document_index", "id")


class InvalidScores(Exception):
    """The body does not hold one score for each text; the message says what it holds."""


def read_scores(body: bytes, expected: int) -> list[float]:
    """Return the scores in the order of the texts. Raises InvalidScores.

    Known forms: Jina, Cohere, SiliconFlow, vLLM and llama.cpp (`results`), Voyage and Mixedbread (`data`), DashScope
    (`output.results`), NVIDIA (`rankings`), TEI (a bare list with `score`), and a bare list of numbers.
    """
    try:
        rows = _find_rows(json.loads(body))
    except ValueError as error:
        raise InvalidScores("no JSON") from error
    if rows is None:
        raise InvalidScores("no scores")
    if len(rows) != expected:
        raise InvalidScores(f"{len(rows)} scores for {expected} texts")
    numbers = [_number_of(row) for row in rows]
    # Where no row has a number they stand in the order of the texts; some servers leave out the 0 alone.
    is_bare = all(number is None for number in numbers)
    order = range(expected) if is_bare else [number or 0 for number in numbers]
    if sorted(order) != list(range(expected)):
        raise InvalidScores(f"scores that are not numbered from 0: {sorted(order)[:10]}")
    scores = [0.0] * expected
    for number, row in zip(order, rows, strict=True):
        scores[number] = _score_of(row)
    return scores


def _find_rows(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    return next((rows for name in _LISTS if (rows := _find_rows(value.get(name))) is not None), None)


def _number_of(row: Any) -> int | None:
    if not isinstance(row, dict):
        return None
    return next((row[name] for name in _NUMBERS if isinstance(row.get(name), int)), None)


def _score_of(row: Any) -> float:
    values = [row.get(name) for name in _SCORES] if isinstance(row, dict) else [row]
    for value in values:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    raise InvalidScores("a row without a score")
