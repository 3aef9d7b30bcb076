"""Measure how long the read path takes: a search in the process, and searches and answers over HTTP.

    python -m bench.latency DOCUMENTS [--queries N] [--work DIR] [--results FILE]

`DOCUMENTS` is an evaluation set, whose questions are asked, or any folder of documents, whose headings are asked. In
one run, the benchmark times:

- For each question, a whole search and its bare parts: one embedding of the question, one dense and one lexical search
  with the same limits. It prints both in milliseconds (p50, p95, p99) and the ratio of the medians.
- `zhiwen serve` over the same index: `/search`, and `/ask` without a chat model and without the cache of answers, by
  one client and by eight; and the stages of an answer, from its trace. In a generation that is too large for memory,
  the stage `lexical` runs at the same time as `embed` and `dense`.

`--results FILE` adds the figures to a JSON file under the name of the folder; the figures of the repository are in
bench/results/latency.json. The index is kept below `--work`. `load_average_before` is how many processes wanted a core
in the minute before: with more than there are cores, the figures are those of a busy machine.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.evaluation_sets import load_set
from bench.http_latency import measure_http
from bench.index import open_documents, open_index
from bench.metrics import percentiles
from bench.results import report
from rag.retrieval.search import retrieve
from rag.text.tokens import tokenize_question
from rag.wiring import Services

_WARM_UP_QUESTIONS = 20


def main() -> None:
    """Time the questions, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=Path, help="an evaluation set, as for bench.retrieval, or a folder")
    parser.add_argument("--queries", type=int, default=300, help="ask at most N questions")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="keep indexes in this folder")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    result = measure(arguments.documents, arguments.work.resolve(), arguments.queries)
    report(arguments.documents.resolve().name, result, arguments.results)


def measure(documents: Path, work: Path, count: int) -> dict[str, object]:
    """Return the figures for at most `count` questions."""
    load, *_ = os.getloadavg()
    with _opened(documents, work) as (services, all_questions):
        questions = all_questions[:count]
        chunks = services.store.snapshot().commit.chunks
        for question in questions[:_WARM_UP_QUESTIONS]:
            time_search(question, services)
            time_bare_parts(question, services)
        pairs = [(time_search(question, services), time_bare_parts(question, services)) for question in questions]
        settings = services.settings
    whole_seconds, bare_seconds = zip(*pairs, strict=True)
    return {
        "chunks": chunks,
        "questions": len(pairs),
        "load_average_before": round(load, 1),
        "search_milliseconds": percentiles(whole_seconds),
        "bare_milliseconds": percentiles(bare_seconds),
        "ratio_of_medians": round(median(whole_seconds) / median(bare_seconds), 2),
        **measure_http(settings, questions),
    }


@contextmanager
def _opened(documents: Path, work: Path) -> Iterator[tuple[Services, Sequence[str]]]:
    """Yield open services over the documents, and the questions to ask."""
    if (documents / "queries.jsonl").is_file():
        evaluation = load_set(documents)
        with open_index(evaluation, work) as index:
            yield index.services, [query.text for query in evaluation.queries]
        return
    with open_documents(documents.resolve(), work) as services:
        headings = dict.fromkeys(path[-1] for path in services.store.snapshot().headings() if path)
        yield services, list(headings)


def time_search(question: str, services: Services) -> float:
    """The seconds of a search, as a request makes it."""
    started = time.perf_counter()
    retrieve(question, services.store.snapshot(), services.embedder, services.settings.retrieval)
    return time.perf_counter() - started


def time_bare_parts(question: str, services: Services) -> float:
    """The seconds of the embedding and the two searches alone."""
    snapshot, tokens = services.store.snapshot(), tokenize_question(question)
    limit = services.settings.retrieval.candidates
    started = time.perf_counter()
    snapshot.search_vectors(services.embedder.embed_query(question), limit=limit)
    snapshot.search_terms(tokens, limit=limit)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
