"""The fit of the fusion, on candidates that are small enough to check by eye."""

from dataclasses import replace

import numpy as np
import pytest

from bench.candidates import Candidates
from bench.fusion import fit, fused
from rag.retrieval.fusion import WordWeight, word_evidence

# Two questions with two documents each. The first has two chunks in its relevant document.
CANDIDATES = Candidates(
    question=np.array([0, 0, 0, 1, 1]),
    begins_document=np.array([True, False, True, True, True]),
    gain=np.array([1.0, 1.0, 0.0, 0.0, 1.0]),
    cosine=np.array([0.5, 0.9, 0.7, 0.9, 0.5]),
    dense_rank=np.array([3, 1, 2, 1, 2]),
    bm25=np.array([0.0, 2.0, 4.0, 0.0, 6.0]),
    lexical_rank=np.array([0, 2, 1, 0, 1]),
    coverage=np.array([0.0, 0.5, 1.0, 0.0, 1.0]),
    translated=np.zeros(5),
    ideal=np.array([1.0, 1.0]),
    best_share=np.array([0.1, 0.9]),
    terms=np.array([3.0, 3.0]),
    rarest=np.array([5.0, 5.0]),
    is_translated=np.array([False, False]),
)
SECOND = 1 / np.log2(3)


def test_a_document_counts_with_its_best_chunk() -> None:
    assert CANDIDATES.ndcg(CANDIDATES.dense()) == pytest.approx((1 + SECOND) / 2)
    assert CANDIDATES.ndcg(CANDIDATES.lexical()) == pytest.approx((SECOND + 1) / 2)


def test_a_document_that_no_retriever_found_does_not_count() -> None:
    lexical = replace(CANDIDATES, gain=np.array([1.0, 1.0, 0.0, 1.0, 0.0]))
    assert lexical.ndcg(lexical.lexical()) == pytest.approx(SECOND / 2)


def test_the_scores_are_those_of_fuse() -> None:
    halves = fused(CANDIDATES, WordWeight(0.0, 0.0, 0.0, 0.0))
    assert halves.tolist() == pytest.approx([0.0, 0.75, 0.75, 0.5, 0.5])


def test_translated_words_have_a_fixed_weight() -> None:
    across = replace(
        CANDIDATES,
        translated=np.array([0.2, 0.4, 0.8, 0.0, 0.0]),
        is_translated=np.array([True, False]),
    )
    scores = fused(across, WordWeight(0.0, 0.0, 0.0, 0.0))
    assert scores.tolist() == pytest.approx([0.1, 0.7, 0.65, 0.5, 0.5])


def test_the_fit_trusts_words_where_they_match_much() -> None:
    # Where both agree, mostly rightly, only the steepness can be learnt: it must not stand in for the weights.
    agreed = replace(
        CANDIDATES,
        gain=np.array([1.0, 1.0, 0.0, 1.0, 0.0]),
        bm25=CANDIDATES.similarity(),
        lexical_rank=CANDIDATES.dense_rank,
        coverage=CANDIDATES.similarity(),
    )
    weight = fit([CANDIDATES, agreed, agreed, replace(agreed, gain=1 - agreed.gain)])
    little, much = (weight.of_evidence(word_evidence(share, 3, 5.0)) for share in CANDIDATES.best_share)
    assert little < 0.4
    assert much > 0.6
    assert CANDIDATES.ndcg(fused(CANDIDATES, weight)) == 1, "a fixed weight ranks one of the questions wrongly"
    assert weight.terms == weight.rarest == 0, "they are the same for all questions"


def test_a_sample_has_whole_questions() -> None:
    sample = CANDIDATES.sample(1)
    assert sample.questions == 1
    assert len(sample.question) == 3
