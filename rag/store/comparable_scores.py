"""BM25 scores that count the chunks of others than the collection has: of several collections, or of a part of one."""

from collections.abc import Mapping

from rag.store.rows import StoredChunk
from rag.store.term_statistics import JointStatistics, TermStatistics


def rescale(
    scores: Mapping[str, float],
    chunks: Mapping[str, StoredChunk],
    terms: Mapping[str, float],
    counted: TermStatistics | JointStatistics,
) -> list[tuple[str, float]]:
    """Return scores as they would be with the given idf of the `terms`, best first, by the ids of the chunks.

    Each is multiplied by what the matching terms are worth so, over what they are worth where they were `counted`. The
    length of chunks is still compared with the mean of their own collection.
    """
    before = {term: counted.idf(term) for term in terms}

    def rescaled(name: str, score: float) -> float:
        matched = chunks[name].terms & terms.keys()
        return (
            score * sum(terms[term] for term in matched) / sum(before[term] for term in matched) if matched else score
        )

    found = [(name, rescaled(name, score)) for name, score in scores.items()]
    return sorted(found, key=lambda named: -named[1])
