"""Measure how fast many texts are embedded by an endpoint that is slow, small or busy.

    python -m bench.remote_embedding [--texts 2000] [--window 2000] [--results FILE]

An endpoint on loopback takes half a second for each call and ten texts at most. In further runs it answers each tenth
call with 429, without and with `Retry-After: 1`. `--window` texts are handed over at a time. Each run prints its
seconds, the calls by status, and how many texts were lost or embedded twice.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.embedding_endpoint import Endpoint, serve_endpoint
from bench.results import add_result
from rag.models.embedders.openai_compatible import OpenAIEmbedder
from rag.models.embedders.protocol import Matrix

SECONDS_PER_CALL = 0.5
MOST_TEXTS = 10


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `calls` counts the calls by status."""

    endpoint: str
    texts: int
    window: int
    concurrency: int
    seconds: float
    calls: dict[str, int]
    lost: int
    embedded_twice: int


def main() -> None:
    """Measure, print, and write the figures if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=2000, help="how many texts")
    parser.add_argument("--window", type=int, default=2000, help="how many of them are handed over at a time")
    parser.add_argument("--concurrency", type=int, default=8, help="calls at a time")
    parser.add_argument("--results", type=Path, help="write the figures to this JSON file")
    arguments = parser.parse_args()
    texts = [f"Passage {number} says what belongs to number {number}." for number in range(arguments.texts)]
    endpoints = {
        "never busy": Endpoint(SECONDS_PER_CALL, MOST_TEXTS),
        "429 for each tenth call": Endpoint(SECONDS_PER_CALL, MOST_TEXTS, busy_every=10),
        "429 with Retry-After: 1 for each tenth call": Endpoint(
            SECONDS_PER_CALL, MOST_TEXTS, busy_every=10, retry_after="1"
        ),
    }
    runs = []
    for name, endpoint in endpoints.items():
        with serve_endpoint(endpoint):
            runs.append(measure(name, endpoint, texts, window=arguments.window, concurrency=arguments.concurrency))
        print(
            f"{name:<44} {runs[-1].seconds:6.1f} s  calls {runs[-1].calls}  "
            f"lost {runs[-1].lost}  twice {runs[-1].embedded_twice}"
        )
    if arguments.results:
        name = f"{arguments.texts} texts, window {arguments.window}, concurrency {arguments.concurrency}"
        add_result(arguments.results, name, {"runs": [asdict(run) for run in runs]})


def measure(name: str, endpoint: Endpoint, texts: Sequence[str], *, window: int, concurrency: int) -> Run:
    """Embed the texts with default settings but for the concurrency. The result is compared with the endpoint's own."""
    embedder = OpenAIEmbedder(base_url=endpoint.base_url, api_key="", model="words", concurrency=concurrency)
    matrices: list[Matrix] = []
    started = time.perf_counter()
    for start in range(0, len(texts), window):
        matrices.append(embedder.embed_documents(texts[start : start + window]))
    seconds = time.perf_counter() - started
    expected = Endpoint()
    with serve_endpoint(expected):
        reference = OpenAIEmbedder(base_url=expected.base_url, api_key="", model="words").embed_documents(texts)
    right = np.isclose(np.vstack(matrices), reference, atol=1e-6).all(axis=1)
    return Run(
        endpoint=name,
        texts=len(texts),
        window=window,
        concurrency=concurrency,
        seconds=round(seconds, 1),
        calls={str(status): count for status, count in sorted(endpoint.statuses.items())},
        lost=int((~right).sum()),
        embedded_twice=sum(count - 1 for count in endpoint.embedded.values()),
    )


if __name__ == "__main__":
    main()
