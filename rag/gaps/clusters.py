"""Group vectors by average linkage: the mean similarity between all members of two groups decides.

The nearest-neighbour chain of Benzécri (1982) gives the same tree as merging the closest pair each time, in quadratic
time.
"""

import numpy as np
from numpy.typing import NDArray

from rag.models.embedders.protocol import Matrix


def cluster_vectors(vectors: Matrix, *, min_similarity: float) -> list[list[int]]:
    """Return the rows of a matrix of unit vectors in groups, in the order of the rows; each group in that order too.

    Two groups become one as long as the mean cosine between their members is at least `min_similarity` (-1..1). Memory
    and time grow with the square of the number of rows: 2,000 take 16 MB.

    >>> cluster_vectors(np.array([[1, 0], [0, 1], [0.8, 0.6]], dtype=np.float32), min_similarity=0.7)
    [[0, 2], [1]]
    """
    similarity = (vectors @ vectors.T).astype(np.float32)
    np.fill_diagonal(similarity, -np.inf)
    groups = [[row] for row in range(len(vectors))]
    is_waiting = np.ones(len(vectors), dtype=bool)  # groups that may still merge
    chain: list[int] = []
    while is_waiting.any():
        if not chain:
            chain.append(int(np.argmax(is_waiting)))
        tip = chain[-1]
        nearest = _nearest(similarity[tip], is_waiting, chain[-2] if len(chain) > 1 else tip)
        if similarity[tip, nearest] < min_similarity:
            # What is nearest to the tip only gets less similar by merging, so the tip is complete.
            is_waiting[chain.pop()] = False
        elif len(chain) > 1 and nearest == chain[-2]:
            del chain[-2:]
            _merge(similarity, groups, tip, nearest)
            is_waiting[tip] = False
        else:
            chain.append(nearest)
    return sorted(sorted(group) for group in groups if group)


def _nearest(row: NDArray[np.float32], is_waiting: NDArray[np.bool_], preferred: int) -> int:
    """Return the most similar group; of equals the one before in the chain, so that a chain never runs in a circle."""
    among = np.where(is_waiting, row, -np.inf)
    best = int(np.argmax(among))
    return preferred if among[preferred] == among[best] else best


def _merge(similarity: NDArray[np.float32], groups: list[list[int]], gone: int, grown: int) -> None:
    """Move the members of one group to another, whose similarity to a third becomes the mean over all members."""
    sizes = len(groups[gone]), len(groups[grown])
    merged = (sizes[0] * similarity[gone] + sizes[1] * similarity[grown]) / sum(sizes)
    merged[grown] = -np.inf
    similarity[grown], similarity[:, grown] = merged, merged
    groups[grown] += groups[gone]
    groups[gone] = []
