"""Measure the quality of retrieval on an evaluation set.

    python -m bench.retrieval SETDIR [--corpus SETDIR] [--mode MODE] [--ablation] [--out RUN] [--results FILE]

The benchmark ingests the documents of the set into a Milvus Lite file, searches every question, and prints:

- for each ranking, nDCG@10, recall@1, @5, @10 and MRR@10 by document, from 0 to 1;
- if the set has unanswerable questions, how well three scores separate them from the answerable ones;
- the duration of a search in milliseconds (p50, p95, p99).

The rankings are `dense` and `lexical`, one retriever alone; `rrf`, reciprocal rank fusion of the two, as most products
do it; and `hybrid`, the fusion of zhiwen. `--ablation` adds that fusion with fixed weights of the words.

`--results FILE` adds the figures to a JSON file under the name of the set; the figures of the repository are in
bench/results/retrieval.json. `--out RUN` writes the ranked passages of each question. The index is kept below `--work`.
"""

import argparse
import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from bench.evaluation_sets import EvaluationSet, Query, load_set
from bench.index import Index, open_index
from bench.metrics import area_under_curve, ndcg, percentiles, recall, reciprocal_rank, refused_at
from bench.results import add_result
from rag.retrieval.fusion import ScoredChunks, WordWeight, fuse
from rag.retrieval.search import RetrieverResults, retrieve
from rag.retrieval.sufficiency import answer_probability
from rag.types import Chunk

MODES = ("dense", "lexical", "rrf", "hybrid")
NO_WEIGHTS: Mapping[str, float] = {}
ABLATION: Mapping[str, float] = {f"words {weight:g}": weight for weight in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)}
RRF_K = 60  # as in Cormack, Clarke and Büttcher 2009
_MAX_HITS_IN_RUN = 50


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """What the search for one question gave.

    `rankings` holds the chunks of each ranking, best first. `probability`, `best_cosine` and `best_bm25` are three
    scores of how well the passages answer the question; the first is NaN if it was not asked for. `seconds` is the
    duration of the whole search.
    """

    query: Query
    rankings: Mapping[str, Sequence[Chunk]]
    probability: float
    best_cosine: float
    best_bm25: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Averages over the questions of a set. A document counts at the rank of its best chunk."""

    ndcg_10: float
    recall_1: float
    recall_5: float
    recall_10: float
    mrr_10: float


@dataclass(frozen=True, slots=True)
class RefusalFigures:
    """How well a score separates answerable questions from unanswerable ones.

    `refused_at_95_kept` is the share of unanswerable questions refused by the threshold that keeps 95 % of the
    answerable ones.
    """

    area_under_curve: float
    refused_at_95_kept: float


def main() -> None:
    """Search all questions of a set, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="folder with queries.jsonl, qrels.tsv and corpus.jsonl or docs/")
    parser.add_argument(
        "--corpus", type=Path, help="search the documents of this set instead; both sets must use the same ids"
    )
    parser.add_argument(
        "--files", action="store_true", help="index the tree docs/ as it is; relevance from qrels.files.tsv"
    )
    parser.add_argument("--traditional", action="store_true", help="convert the documents to Traditional Chinese")
    parser.add_argument("--ablation", action="store_true", help="also rank with fixed weights of the words")
    parser.add_argument("--mode", choices=MODES, help="print and write only this ranking")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="keep indexes in this folder")
    parser.add_argument("--out", type=Path, help="write the run as JSON lines, ranked by --mode or by hybrid")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    evaluation = load_set(arguments.set, corpus=arguments.corpus, files=arguments.files)
    layout = {"files": arguments.files, "traditional": arguments.traditional}
    with open_index(evaluation, arguments.work, **layout) as index:
        weights = ABLATION if arguments.ablation else NO_WEIGHTS
        judges = bool(evaluation.unanswerable or arguments.out)
        answerable = [ask(query, index, weights, with_probability=judges) for query in evaluation.queries]
        unanswerable = [ask(query, index) for query in evaluation.unanswerable]
        chunks = index.services.store.snapshot().commit.chunks
        embedder = index.services.embedder.name
    modes = (arguments.mode,) if arguments.mode else (*MODES, *weights)
    figures = {
        "chunks": chunks,
        "questions": len(answerable),
        "embedder": embedder,
        "figures": {mode: asdict(score_ranking(answerable, evaluation, index, mode)) for mode in modes},
        "refusal": {name: asdict(one) for name, one in score_refusal(answerable, unanswerable).items()},
        "milliseconds": percentiles([result.seconds for result in answerable]),
    }
    name = f"{evaluation.name}{' (Traditional)' if arguments.traditional else ''}"
    _print(name, figures)
    if arguments.out:
        _write_run(arguments.out, [*answerable, *unanswerable], index, arguments.mode or "hybrid")
    if arguments.results:
        add_result(arguments.results, name, figures)


def ask(
    query: Query, index: Index, weights: Mapping[str, float] = NO_WEIGHTS, *, with_probability: bool = True
) -> QuestionResult:
    """Search one question as a request does, and rank what both retrievers found in every other way too.

    `weights` maps names of further rankings to a fixed weight (0..1) of the words in the fusion. The probability takes
    four times as long as the search: it embeds the sentences of the best passages.
    """
    services = index.services
    settings = services.settings.retrieval
    started = time.perf_counter()
    found = retrieve(query.text, services.store.snapshot(), services.embedder, settings)
    seconds = time.perf_counter() - started
    retrieved = found.results
    dense, lexical = retrieved.dense, retrieved.lexical
    return QuestionResult(
        query=query,
        rankings={
            "dense": [stored.chunk for stored, _ in dense],
            "lexical": [stored.chunk for stored, _ in lexical],
            "rrf": reciprocal_rank_fusion(dense, lexical),
            "hybrid": [hit.chunk for hit in found.candidates],
            **{name: _fused(retrieved, weight) for name, weight in weights.items()},
        },
        probability=answer_probability(found, enough=1.0) if with_probability else math.nan,
        best_cosine=dense[0][1] if dense else 0.0,
        best_bm25=lexical[0][1] if lexical else 0.0,
        seconds=seconds,
    )


def reciprocal_rank_fusion(*rankings: ScoredChunks) -> list[Chunk]:
    """The chunks of all rankings, sorted by the sum of 1 / (60 + rank): Cormack, Clarke and Büttcher 2009."""
    scores: dict[str, float] = {}
    chunks: dict[str, Chunk] = {}
    for ranking in rankings:
        for rank, (stored, _) in enumerate(ranking, 1):
            chunks[stored.chunk.id] = stored.chunk
            scores[stored.chunk.id] = scores.get(stored.chunk.id, 0.0) + 1 / (RRF_K + rank)
    return [chunks[name] for name in sorted(scores, key=lambda name: -scores[name])]


def _fused(retrieved: RetrieverResults, weight: float) -> list[Chunk]:
    """The chunks in the order of zhiwen's fusion with a fixed weight of the words."""
    fixed = WordWeight(math.log(weight / (1 - weight)), 0.0, 0.0, 0.0)
    hits = fuse(retrieved.dense, retrieved.lexical, retrieved.idf, word_weight=fixed)
    return [hit.chunk for hit in hits]


def score_ranking(results: Sequence[QuestionResult], evaluation: EvaluationSet, index: Index, mode: str) -> Figures:
    """Compare one ranking of every question with the relevant documents of the set."""
    ranked = [(_documents(result.rankings[mode], index), evaluation.relevant[result.query.id]) for result in results]
    return Figures(
        ndcg_10=_average(ndcg(documents, gains) for documents, gains in ranked),
        recall_1=_average(recall(documents, gains, 1) for documents, gains in ranked),
        recall_5=_average(recall(documents, gains, 5) for documents, gains in ranked),
        recall_10=_average(recall(documents, gains, 10) for documents, gains in ranked),
        mrr_10=_average(reciprocal_rank(documents, gains) for documents, gains in ranked),
    )


def score_refusal(
    answerable: Sequence[QuestionResult], unanswerable: Sequence[QuestionResult]
) -> dict[str, RefusalFigures]:
    """Compare the calibrated probability with the two usual scores. Empty if the set has no unanswerable questions."""
    if not unanswerable:
        return {}
    figures = {}
    for name in ("probability", "best_cosine", "best_bm25"):
        positive, negative = ([getattr(result, name) for result in part] for part in (answerable, unanswerable))
        figures[name] = RefusalFigures(
            round(area_under_curve(positive, negative), 3), round(refused_at(positive, negative), 3)
        )
    return figures


def _documents(chunks: Sequence[Chunk], index: Index) -> list[str]:
    """The documents of a ranking of chunks, each at the rank of its best chunk."""
    return list(dict.fromkeys(index.corpus.document_of[chunk.source] for chunk in chunks))


def _average(values: Iterable[float]) -> float:
    return round(mean(values), 4)


def _print(name: str, figures: Mapping[str, Any]) -> None:
    print(f"{name}: {figures['questions']} questions, {figures['chunks']} chunks, {figures['embedder']}")
    print(f"{'':<12}{'nDCG@10':>9}{'R@1':>8}{'R@5':>8}{'R@10':>8}{'MRR@10':>8}")
    for mode, averages in figures["figures"].items():
        first, *others = averages.values()
        print(f"{mode:<12}{first:>9.4f}" + "".join(f"{value:>8.4f}" for value in others))
    for score, refusal in figures["refusal"].items():
        print(
            f"refusal by {score}: area under the curve {refusal['area_under_curve']}, "
            f"refuses {refusal['refused_at_95_kept']:.1%} of the unanswerable if it keeps 95 % of the answerable"
        )
    print("search: " + ", ".join(f"{rank} {value} ms" for rank, value in figures["milliseconds"].items()))


def _write_run(path: Path, results: Sequence[QuestionResult], index: Index, mode: str) -> None:
    """Write one JSON line a question: its id, its hits with document and text, and whether it would be refused."""
    threshold = index.services.settings.answering.min_evidence
    with path.open("w", encoding="utf-8") as file:
        for result in results:
            hits = [
                {"doc": index.corpus.document_of[chunk.source], "text": chunk.content}
                for chunk in result.rankings[mode][:_MAX_HITS_IN_RUN]
            ]
            line = {"_id": result.query.id, "hits": hits, "refused": result.probability < threshold}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
