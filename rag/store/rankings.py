"""What a search of the store returns: ids of chunks with their scores."""

from collections.abc import Sequence

Ranking = Sequence[tuple[str, float]]
"""Ids of chunks with their scores, best first."""


def distinct(found: Ranking) -> Ranking:
    """Return the best score of each id, in the same order."""
    best: dict[str, float] = {}
    for name, score in found:
        best.setdefault(name, score)
    return list(best.items())
