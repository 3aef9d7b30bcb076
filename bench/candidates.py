"""What both retrievers find for all questions of a set, as arrays, kept in a file: any fusion of them takes seconds."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.evaluation_sets import EvaluationSet
from bench.index import Index, open_index
from bench.retrieval import RRF_K
from rag.models.embedders.protocol import Embedder
from rag.retrieval.fusion import bm25_share, weighted_term_coverage
from rag.retrieval.search import RetrieverResults, run_retrievers

Numbers = NDArray[np.float64]
Positions = NDArray[np.int64]

_CUTOFF = 10
_DISCOUNTS = 1 / np.log2(np.arange(_CUTOFF) + 2)


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of all questions, question by question and document by document.

    For each candidate: the position of its question, whether its document is another one than that of the candidate
    before, `gain` of the document, `cosine` and `bm25` (0 if that retriever did not find it) with the ranks from 1
    (0 likewise), the `coverage` of the question's terms, and the share of its words `translated`. For each question:
    the DCG of an `ideal` ranking, the best BM25 as a share of the highest that the question could give, the number of
    its terms, the highest idf, and whether it `is_translated`.
    """

    question: Positions
    begins_document: NDArray[np.bool_]
    gain: Numbers
    cosine: Numbers
    dense_rank: Positions
    bm25: Numbers
    lexical_rank: Positions
    coverage: Numbers
    translated: Numbers
    ideal: Numbers
    best_share: Numbers
    terms: Numbers
    rarest: Numbers
    is_translated: NDArray[np.bool_]

    @property
    def questions(self) -> int:
        """The number of questions."""
        return len(self.ideal)

    @property
    def documents(self) -> Positions:
        """Where each document of each question begins among the candidates."""
        return np.flatnonzero(self.begins_document)

    def best_of_question(self, values: Numbers) -> Numbers:
        """Return the highest value of each question; questions have at least one candidate."""
        return np.asarray(np.maximum.reduceat(values, _starts(self.question)))

    def similarity(self) -> Numbers:
        """Return the cosine, scaled from the lowest (0) to the highest (1) of the question, as `fuse` scales it."""
        is_dense = self.dense_rank > 0
        lowest = -self.best_of_question(np.where(is_dense, -self.cosine, -np.inf))[self.question]
        highest = self.best_of_question(np.where(is_dense, self.cosine, -np.inf))[self.question]
        cosine = np.where(is_dense, self.cosine, lowest)
        return np.where(highest > lowest, (cosine - lowest) / np.maximum(highest - lowest, 1e-12), 1.0)

    def words(self) -> Numbers:
        """Return the mean of the share of the best BM25 and of the coverage, as `fuse` has it."""
        is_lexical, is_dense = self.lexical_rank > 0, self.dense_rank > 0
        best = np.maximum(self.best_of_question(self.bm25), 1e-12)[self.question]
        least = -self.best_of_question(np.where(is_lexical, -self.bm25, -np.inf))
        found = (np.bincount(self.question, each, self.questions) for each in (is_lexical, is_dense))
        missing = np.where(np.greater_equal(*found), least, 0.0)[self.question]
        return np.asarray((np.where(is_lexical, self.bm25, missing) / best + self.coverage) / 2)

    def ndcg(self, scores: Numbers) -> float:
        """Return the mean nDCG@10 by document; a document counts with its best chunk, and -inf is not ranked."""
        starts = self.documents
        best, question = np.maximum.reduceat(scores, starts), self.question[starts]
        order = np.lexsort((-best, question))
        ranks = np.empty(len(order), dtype=np.int64)
        first = np.searchsorted(question, np.arange(self.questions))
        ranks[order] = np.arange(len(order)) - first[question[order]]
        counts = (ranks < _CUTOFF) & np.isfinite(best)
        gains = np.where(counts, self.gain[starts] * _DISCOUNTS[np.minimum(ranks, _CUTOFF - 1)], 0.0)
        return float((np.bincount(question, gains, self.questions) / self.ideal).mean())

    def dense(self) -> Numbers:
        """Return scores that rank as the dense retriever does."""
        return np.where(self.dense_rank > 0, -self.dense_rank.astype(float), -np.inf)

    def lexical(self) -> Numbers:
        """Return scores that rank as the lexical retriever does."""
        return np.where(self.lexical_rank > 0, -self.lexical_rank.astype(float), -np.inf)

    def rank_fusion(self) -> Numbers:
        """Return the scores of reciprocal rank fusion."""
        scores = np.zeros(len(self.question))
        for ranks in (self.dense_rank, self.lexical_rank):
            scores += np.where(ranks > 0, 1 / (RRF_K + ranks), 0.0)
        return scores

    def sample(self, size: int) -> "Candidates":
        """Return at most `size` questions, spread evenly over all."""
        if self.questions <= size:
            return self
        chosen = np.linspace(0, self.questions - 1, size).astype(np.int64)
        is_kept = np.isin(self.question, chosen)
        values = {}
        for each in fields(self):
            value = getattr(self, each.name)
            values[each.name] = value[is_kept] if len(value) == len(self.question) else value[chosen]
        values["question"] = np.searchsorted(chosen, values["question"])
        return Candidates(**values)


def read_candidates(evaluation: EvaluationSet, work: Path) -> Candidates:
    """Search every question of a set, or read what was found for the same generation of its index before."""
    with open_index(evaluation, work) as index:
        generation = index.services.store.snapshot().generation
        embedder = index.services.embedder
        path = work / f"{evaluation.name} {embedder.fingerprint} {_questions_mark(embedder)} {generation}.npz"
        if not path.is_file():
            np.savez_compressed(path, allow_pickle=False, **_collect(evaluation, index))
    with np.load(path) as stored:
        return Candidates(**{name: stored[name] for name in stored.files})


def _questions_mark(embedder: Embedder) -> str:
    """Return a mark that changes with the vectors of questions; the fingerprint covers passages only."""
    return hashlib.sha256(embedder.embed_query("知问").round(2).tobytes()).hexdigest()[:8]


def _collect(evaluation: EvaluationSet, index: Index) -> dict[str, NDArray[Any]]:
    services = index.services
    snapshot, settings = services.store.snapshot(), services.settings.retrieval
    rows: list[Sequence[float]] = []
    questions: list[Sequence[float]] = []
    for query in evaluation.queries:
        results = run_retrievers(query.text, snapshot, services.embedder, settings)
        gains = evaluation.relevant[query.id]
        rows += [(len(questions), *row) for row in _rows(results, index, gains)]
        bm25 = max((score for _, score in results.lexical), default=0.0)
        questions.append(
            (
                _DISCOUNTS[: len(gains)].sum(),
                bm25_share(bm25, results.idf),
                len(results.idf),
                max(results.idf.values(), default=0.0),
                bool(results.translated),
            )
        )
    names = [each.name for each in fields(Candidates)]
    columns = [np.array(column) for column in (*zip(*rows, strict=True), *zip(*questions, strict=True))]
    return dict(zip(names, columns, strict=True))


def _rows(results: RetrieverResults, index: Index, gains: Mapping[str, int]) -> Iterator[Sequence[float]]:
    """Yield the values of each candidate, document by document; those of one document in the order of their chunks."""
    dense = {stored.chunk.id: (rank, score) for rank, (stored, score) in enumerate(results.dense, 1)}
    lexical = {stored.chunk.id: (rank, score) for rank, (stored, score) in enumerate(results.lexical, 1)}
    stored_chunks = {
        stored.chunk.id: stored for stored, _ in (*results.dense, *results.lexical, *results.by_translation)
    }.values()
    document_of = index.corpus.document_of
    before = ""
    for stored in sorted(stored_chunks, key=lambda one: (one.chunk.source, one.chunk.position)):
        dense_rank, cosine = dense.get(stored.chunk.id, (0, 0.0))
        lexical_rank, bm25 = lexical.get(stored.chunk.id, (0, 0.0))
        yield (
            stored.chunk.source != before,
            gains.get(document_of[stored.chunk.source], 0),
            cosine,
            dense_rank,
            bm25,
            lexical_rank,
            weighted_term_coverage(stored.terms.keys(), results.idf),
            results.translated.get(stored.chunk.id, 0.0),
        )
        before = stored.chunk.source


def _starts(groups: Positions) -> Positions:
    return np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1])))
