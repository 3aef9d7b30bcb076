"""Retrieval keeps a minimum of quality on small sets: XQuAD in Chinese, in English and across the two.

The sets are not part of the project. `ZHIWEN_BENCH_SETS` names their folder; bench/README.md says where to get them.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.evaluation_sets import load_set
from bench.index import open_index
from bench.retrieval import ask, score_ranking
from tests.kit.paths import ROOT

SETS = Path(os.environ.get("ZHIWEN_BENCH_SETS", ROOT.parent / "shared" / "bench"))

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not (SETS / "xquad-zh").is_dir(),
        reason=f"{SETS} has no evaluation set xquad-zh; set ZHIWEN_BENCH_SETS to the folder of the sets",
    ),
]


@dataclass(frozen=True)
class Quality:
    """nDCG@10 of each ranking."""

    dense: float
    lexical: float
    rrf: float
    hybrid: float


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


def quality(work: Path, questions: str, documents: str, *, every: int = 1, traditional: bool = False) -> Quality:
    """Ask every question, or every `every`-th, and score the rankings."""
    evaluation = load_set(SETS / questions, corpus=SETS / documents)
    with open_index(evaluation, work, traditional=traditional) as index:
        results = [ask(query, index, with_probability=False) for query in evaluation.queries[::every]]
        return Quality(
            **{mode: score_ranking(results, evaluation, index, mode).ndcg_10 for mode in Quality.__annotations__}
        )


def test_fusion_beats_both_retrievers_and_rank_fusion_in_either_chinese_script(work: Path) -> None:
    same = quality(work, "xquad-zh", "xquad-zh")
    print(same)
    assert same.hybrid > 0.98
    assert same.hybrid > max(same.dense, same.lexical, same.rrf)
    traditional = quality(work, "xquad-zh", "xquad-zh", every=4, traditional=True)
    print(traditional)
    assert traditional.hybrid >= same.hybrid - 0.02


@pytest.mark.parametrize(
    ("questions", "documents", "floor"),
    [
        ("xquad-en", "xquad-en", 0.98),
        ("xquad-zh", "xquad-en", 0.85),
        ("xquad-en", "xquad-zh", 0.87),
    ],
)
def test_fusion_is_at_most_three_thousandths_below_the_better_retriever(
    work: Path, questions: str, documents: str, floor: float
) -> None:
    found = quality(work, questions, documents, every=4)
    print(found)
    assert found.hybrid > floor
    assert found.hybrid >= max(found.dense, found.lexical) - 0.003
