"""Average linkage, compared with the definition of it: merge the closest pair as long as it is close enough."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.gaps.clusters import cluster_vectors
from rag.models.embedders.protocol import Matrix


def closest_pair_first(vectors: Matrix, min_similarity: float) -> list[list[int]]:
    groups = [[row] for row in range(len(vectors))]
    while len(groups) > 1:
        pairs = [(float((vectors[a] @ vectors[b].T).mean()), a, b) for a, b in combinations(groups, 2)]
        similarity, one, other = max(pairs, key=lambda pair: pair[0])
        if similarity < min_similarity:
            break
        groups = [group for group in groups if group not in (one, other)] + [sorted(one + other)]
    return sorted(groups)


@given(st.integers(1, 25), st.integers(0, 10_000), st.sampled_from([-0.5, 0.0, 0.2, 0.5, 0.9]))
def test_the_groups_are_those_of_merging_the_closest_pair_first(count: int, seed: int, least: float) -> None:
    vectors = np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert cluster_vectors(vectors, min_similarity=least) == closest_pair_first(vectors, least)


def test_equal_vectors_are_one_group_and_vectors_of_nothing_are_alone() -> None:
    vectors = np.array([[1, 0], [0, 0], [1, 0], [0, 0], [1, 0]], dtype=np.float32)
    assert cluster_vectors(vectors, min_similarity=0.5) == [[0, 2, 4], [1], [3]]


def test_no_vectors_are_no_groups() -> None:
    assert cluster_vectors(np.zeros((0, 4), dtype=np.float32), min_similarity=0.5) == []
