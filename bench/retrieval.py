"""How good retrieval is: `python -m bench.retrieval SETDIR [--corpus SETDIR] [--mode MODE] [--out RUN] …`.

Builds an index of an evaluation set through the write path, in a real store, asks all its questions, and prints for
each way of ranking: nDCG@10, recall at 1, 5 and 10, and MRR, all by document; how long a search takes; and, where the
set has questions without an answer, how well they are told from the others.

Ways of ranking: `dense` and `lexical`, each leg alone; `rrf`, reciprocal rank fusion of both, as most products have it;
`hybrid`, the fusion of zhiwen; with `--ablation`, also its fusion with other weights of the words.
"""

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from bench.index import Index, opened_index
from bench.metrics import area_under_curve, ndcg, percentiles, recall, reciprocal_rank, refused_at
from bench.results import add_result
from bench.sets import EvaluationSet, Query, load_set
from rag.retrieval.fusion import ScoredChunks, fuse
from rag.retrieval.search import RetrieverResults, retrieve
from rag.retrieval.sufficiency import answer_probability
from rag.types import Chunk

MODES = ("dense", "lexical", "rrf", "hybrid")
NO_WEIGHTS: Mapping[str, float] = {}
ABLATION: Mapping[str, float] = {f"words × {weight:g}": weight for weight in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)}
_RRF_K = 60  # Cormack, Clarke and Büttcher 2009
_RUN_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, the chunks that each way of ranking gives for it, best first, and the seconds of the search."""

    query: Query
    rankings: Mapping[str, Sequence[Chunk]]
    probability: float
    best_cosine: float
    best_bm25: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Averages over the questions of a set, by document."""

    ndcg_10: float
    recall_1: float
    recall_5: float
    recall_10: float
    mrr_10: float


@dataclass(frozen=True, slots=True)
class RefusalFigures:
    """How well a score tells questions with an answer from those without.

    `refused_at_95_kept` is the share of the latter refused by the threshold that keeps 95 % of the former.
    """

    area_under_curve: float
    refused_at_95_kept: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="a folder with queries.jsonl, qrels.tsv and corpus.jsonl or docs/")
    parser.add_argument("--corpus", type=Path, help="ask of this set's documents instead; the ids must be shared")
    parser.add_argument("--files", action="store_true", help="index the tree docs/ as it is, by qrels.files.tsv")
    parser.add_argument("--traditional", action="store_true", help="write the documents in Traditional Chinese first")
    parser.add_argument("--ablation", action="store_true", help="also other weights of the words")
    parser.add_argument("--mode", choices=MODES, help="only this way of ranking")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="indexes are kept here")
    parser.add_argument("--out", type=Path, help="write the run as JSON lines, ranked by --mode or else hybrid")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    evaluation = load_set(arguments.set, corpus=arguments.corpus, files=arguments.files)
    layout = {"files": arguments.files, "traditional": arguments.traditional}
    with opened_index(evaluation, arguments.work, **layout) as index:
        weights = ABLATION if arguments.ablation else NO_WEIGHTS
        asked = [ask(query, index, weights) for query in evaluation.queries]
        unanswerable = [ask(query, index) for query in evaluation.unanswerable]
        chunks = index.services.store.snapshot().commit.chunks
        embedder = index.services.embedder.name
    modes = (arguments.mode,) if arguments.mode else (*MODES, *weights)
    result = {
        "chunks": chunks,
        "questions": len(asked),
        "embedder": embedder,
        "figures": {mode: asdict(rate(asked, evaluation, index, mode)) for mode in modes},
        "refusal": {name: asdict(one) for name, one in rate_refusal(asked, unanswerable).items()},
        "milliseconds": percentiles([one.seconds for one in asked]),
    }
    name = f"{evaluation.name}{' (Traditional)' if arguments.traditional else ''}"
    _print(name, result)
    if arguments.out:
        _write_run(arguments.out, [*asked, *unanswerable], index, arguments.mode or "hybrid")
    if arguments.results:
        add_result(arguments.results, name, result)


def ask(query: Query, index: Index, weights: Mapping[str, float] = NO_WEIGHTS) -> Asked:
    """Search once as the product does, and rank what both legs brought in every other way as well."""
    services = index.services
    settings = services.settings.retrieval
    started = time.perf_counter()
    found = retrieve(query.text, services.store.snapshot(), services.embedder, settings)
    seconds = time.perf_counter() - started
    dense, lexical = found.results.dense, found.results.lexical
    return Asked(
        query=query,
        rankings={
            "dense": [stored.chunk for stored, _ in dense],
            "lexical": [stored.chunk for stored, _ in lexical],
            "rrf": reciprocal_rank_fusion(dense, lexical),
            "hybrid": [hit.chunk for hit in found.candidates],
            **{name: _fused(found.results, weight) for name, weight in weights.items()},
        },
        probability=answer_probability(found),
        best_cosine=dense[0][1] if dense else 0.0,
        best_bm25=lexical[0][1] if lexical else 0.0,
        seconds=seconds,
    )


def reciprocal_rank_fusion(*legs: ScoredChunks) -> list[Chunk]:
    """The chunks of all legs by the sum of 1 / (60 + rank)."""
    scores: dict[str, float] = {}
    chunks: dict[str, Chunk] = {}
    for leg in legs:
        for rank, (stored, _) in enumerate(leg, 1):
            chunks[stored.chunk.id] = stored.chunk
            scores[stored.chunk.id] = scores.get(stored.chunk.id, 0.0) + 1 / (_RRF_K + rank)
    return [chunks[name] for name in sorted(scores, key=lambda name: -scores[name])]


def _fused(legs: RetrieverResults, weight: float) -> list[Chunk]:
    return [hit.chunk for hit in fuse(legs.dense, legs.lexical, legs.idf, lexical_weight=weight)]


def rate(asked: Sequence[Asked], evaluation: EvaluationSet, index: Index, mode: str) -> Figures:
    ranked = [(_documents(one.rankings[mode], index), evaluation.relevant[one.query.id]) for one in asked]
    return Figures(
        ndcg_10=_average(ndcg(documents, gains) for documents, gains in ranked),
        recall_1=_average(recall(documents, gains, 1) for documents, gains in ranked),
        recall_5=_average(recall(documents, gains, 5) for documents, gains in ranked),
        recall_10=_average(recall(documents, gains, 10) for documents, gains in ranked),
        mrr_10=_average(reciprocal_rank(documents, gains) for documents, gains in ranked),
    )


def rate_refusal(asked: Sequence[Asked], unanswerable: Sequence[Asked]) -> dict[str, RefusalFigures]:
    """The calibrated probability beside the two scores that everybody has; nothing without unanswerable questions."""
    if not unanswerable:
        return {}
    figures = {}
    for name in ("probability", "best_cosine", "best_bm25"):
        positive, negative = ([getattr(one, name) for one in part] for part in (asked, unanswerable))
        figures[name] = RefusalFigures(
            round(area_under_curve(positive, negative), 3), round(refused_at(positive, negative), 3)
        )
    return figures


def _documents(chunks: Sequence[Chunk], index: Index) -> list[str]:
    """The documents of a ranking of chunks, each at its best chunk."""
    return list(dict.fromkeys(index.corpus.document_of[chunk.source] for chunk in chunks))


def _average(values: Iterable[float]) -> float:
    return round(mean(values), 4)


def _print(name: str, result: Mapping[str, Any]) -> None:
    print(f"{name}: {result['questions']} questions, {result['chunks']} chunks, {result['embedder']}")
    print(f"{'':<12}{'nDCG@10':>9}{'R@1':>8}{'R@5':>8}{'R@10':>8}{'MRR@10':>8}")
    for mode, figures in result["figures"].items():
        print(
            f"{mode:<12}{figures['ndcg_10']:>9.4f}" + "".join(f"{value:>8.4f}" for value in list(figures.values())[1:])
        )
    for score, figures in result["refusal"].items():
        print(
            f"refusal by {score}: area under the curve {figures['area_under_curve']}, "
            f"{figures['refused_at_95_kept']:.1%} refused where 95 % of the answerable are kept"
        )
    print("search: " + ", ".join(f"{rank} {value} ms" for rank, value in result["milliseconds"].items()))


def _write_run(path: Path, asked: Sequence[Asked], index: Index, mode: str) -> None:
    threshold = index.services.settings.answering.min_evidence
    with path.open("w", encoding="utf-8") as file:
        for one in asked:
            chunks = one.rankings[mode]
            hits = [
                {"doc": index.corpus.document_of[chunk.source], "text": chunk.content} for chunk in chunks[:_RUN_DEPTH]
            ]
            line = {"_id": one.query.id, "hits": hits, "refused": one.probability < threshold}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
