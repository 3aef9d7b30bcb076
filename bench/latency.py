"""Measure what a search costs beyond the embedding and the two Milvus searches that it cannot do without.

    python -m bench.latency SETDIR [--queries N] [--work DIR] [--results FILE]

For each question, in one run, the benchmark times a whole search and its bare parts: one embedding of the question, one
dense and one lexical search of Milvus with the same limits and fields. It prints both in milliseconds (p50, p95, p99)
and the ratio of the medians. The rest is the cost of the state, the tokens, the fusion and the removal of overlaps.

`--results FILE` adds the figures to a JSON file under the name of the set; the figures of the repository are in
bench/results/latency.json. The index is kept below `--work`.
"""

import argparse
import time
from pathlib import Path
from statistics import median

from bench.evaluation_sets import Query, load_set
from bench.index import Index, open_index
from bench.metrics import percentiles
from bench.results import add_result
from rag.retrieval.search import retrieve
from rag.text.tokens import tokenize_question

_WARM_UP_QUERIES = 20


def main() -> None:
    """Time the questions of a set, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="an evaluation set, as for bench.retrieval")
    parser.add_argument("--queries", type=int, default=300, help="ask at most N questions")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="keep indexes in this folder")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    evaluation = load_set(arguments.set)
    with open_index(evaluation, arguments.work) as index:
        chunks = index.services.store.snapshot().commit.chunks
        for query in evaluation.queries[:_WARM_UP_QUERIES]:
            time_search(query, index)
            time_bare_parts(query, index)
        queries = evaluation.queries[: arguments.queries]
        pairs = [(time_search(query, index), time_bare_parts(query, index)) for query in queries]
    whole_seconds, bare_seconds = zip(*pairs, strict=True)
    result = {
        "chunks": chunks,
        "questions": len(pairs),
        "search_milliseconds": percentiles(whole_seconds),
        "bare_milliseconds": percentiles(bare_seconds),
        "ratio_of_medians": round(median(whole_seconds) / median(bare_seconds), 2),
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    if arguments.results:
        add_result(arguments.results, evaluation.name, result)


def time_search(query: Query, index: Index) -> float:
    """The seconds of a search, as a request makes it."""
    services = index.services
    started = time.perf_counter()
    retrieve(query.text, services.store.snapshot(), services.embedder, services.settings.retrieval)
    return time.perf_counter() - started


def time_bare_parts(query: Query, index: Index) -> float:
    """The seconds of the embedding and the two searches alone."""
    services = index.services
    snapshot, tokens = services.store.snapshot(), tokenize_question(query.text)
    limit = services.settings.retrieval.candidates
    started = time.perf_counter()
    snapshot.search_vectors(services.embedder.embed_query(query.text), limit=limit)
    snapshot.search_terms(tokens, limit=limit)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
