"""What a search of the store returns: ids of chunks with their scores."""

from collections.abc import Callable, Sequence

Ranking = Sequence[tuple[str, float]]
"""Ids of chunks with their scores, best first."""


def distinct(found: Ranking) -> Ranking:
    """Return the best score of each id, in the same order."""
    best: dict[str, float] = {}
    for name, score in found:
        best.setdefault(name, score)
    return list(best.items())


def best_distinct(find: Callable[[int], Ranking], limit: int) -> Ranking:
    """Return the best `limit` ids, each once. `find` returns at most as many as it is told, best first."""
    found = find(limit)
    ranking = distinct(found)
    if len(ranking) < limit == len(found):
        # Rows that are being tombstoned are there twice and push others out; twice the limit makes up for them.
        ranking = distinct(find(2 * limit))
    return ranking[:limit]
