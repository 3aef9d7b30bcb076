"""Floors under the quality of retrieval, on the small sets: questions of XQuAD in Chinese, English and across the two.

The sets are not part of the project: `ZHIWEN_BENCH_SETS` names their folder. bench/README.md says where to get them.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.index import opened_index
from bench.retrieval import ask, rate
from bench.sets import load_set
from tests.kit.paths import ROOT

SETS = Path(os.environ.get("ZHIWEN_BENCH_SETS", ROOT.parent / "shared" / "bench"))

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not (SETS / "xquad-zh").is_dir(),
        reason="the evaluation sets are not here; ZHIWEN_BENCH_SETS names their folder",
    ),
]


@dataclass(frozen=True)
class Quality:
    """nDCG@10."""

    dense: float
    lexical: float
    rrf: float
    hybrid: float


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


def quality(work: Path, questions: str, documents: str, *, every: int = 1, traditional: bool = False) -> Quality:
    """Of every question, or of every so many."""
    evaluation = load_set(SETS / questions, corpus=SETS / documents)
    with opened_index(evaluation, work, traditional=traditional) as index:
        asked = [ask(query, index) for query in evaluation.queries[::every]]
        return Quality(**{mode: rate(asked, evaluation, index, mode).ndcg_10 for mode in Quality.__annotations__})


def test_the_fusion_beats_its_legs_and_rank_fusion_in_chinese_and_script_does_not_matter(work: Path) -> None:
    same = quality(work, "xquad-zh", "xquad-zh")
    print(same)
    assert same.hybrid > 0.975
    assert same.hybrid > max(same.dense, same.lexical, same.rrf)
    traditional = quality(work, "xquad-zh", "xquad-zh", every=4, traditional=True)
    print(traditional)
    assert traditional.hybrid >= same.hybrid - 0.02


@pytest.mark.parametrize(
    ("questions", "documents", "floor"),
    [
        ("xquad-en", "xquad-en", 0.98),
        ("xquad-zh", "xquad-en", 0.84),
        ("xquad-en", "xquad-zh", 0.87),
    ],
)
def test_the_fusion_never_loses_to_its_better_leg(work: Path, questions: str, documents: str, floor: float) -> None:
    found = quality(work, questions, documents, every=4)
    print(found)
    assert found.hybrid > floor
    assert found.hybrid >= max(found.dense, found.lexical) - 0.005
