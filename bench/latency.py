"""What a search costs beyond its parts: `python -m bench.latency SETDIR [--queries N] [--results FILE]`.

In one run, question by question: a whole search, and the sum of what it cannot do without: one embedding of the
question and the two searches of the store, with the same limits. The ratio of the medians is what the state, the terms,
the fusion and the context cost.
"""

import argparse
import time
from pathlib import Path
from statistics import median

from bench.index import Index, opened_index
from bench.metrics import percentiles
from bench.results import add_result
from bench.sets import Query, load_set
from rag.retrieval.search import retrieve
from rag.text.tokens import tokenize_question

_WARM_UP = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="an evaluation set, as for bench.retrieval")
    parser.add_argument("--queries", type=int, default=300, help="how many questions to ask")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="indexes are kept here")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    evaluation = load_set(arguments.set)
    with opened_index(evaluation, arguments.work) as index:
        chunks = index.parts.store.snapshot().commit.chunks
        for query in evaluation.queries[:_WARM_UP]:
            whole(query, index)
            bare(query, index)
        pairs = [(whole(query, index), bare(query, index)) for query in evaluation.queries[: arguments.queries]]
    wholes, bares = zip(*pairs, strict=True)
    result = {
        "chunks": chunks,
        "questions": len(pairs),
        "search_milliseconds": percentiles(wholes),
        "bare_milliseconds": percentiles(bares),
        "ratio_of_medians": round(median(wholes) / median(bares), 2),
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    if arguments.results:
        add_result(arguments.results, evaluation.name, result)


def whole(query: Query, index: Index) -> float:
    """Return the seconds of a search as a request makes it."""
    parts = index.parts
    started = time.perf_counter()
    retrieve(query.text, parts.store.snapshot(), parts.embedder, parts.settings.retrieval)
    return time.perf_counter() - started


def bare(query: Query, index: Index) -> float:
    """Return the seconds of the embedding and of the store's two searches alone."""
    parts = index.parts
    snapshot, terms = parts.store.snapshot(), tokenize_question(query.text)
    limit = parts.settings.retrieval.candidates
    started = time.perf_counter()
    snapshot.search_vectors(parts.embedder.embed_query(query.text), limit=limit)
    snapshot.search_terms(terms, limit=limit)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
