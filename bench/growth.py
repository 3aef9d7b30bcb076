"""Measure how the embedded store grows: ingest, memory, disk and search, without the embedding model.

    python -m bench.growth [--chunks 1000 10000 100000] [--work DIR] [--results FILE]

For each number of chunks, documents of random Chinese and English words are written, each word as often as in real text
(Zipf's law), and ingested into an empty Milvus Lite file with vectors that are hashed from the words. The benchmark
prints the seconds of the first ingest, of one in which nothing changed and of one edited document, the size of the
file, the peak memory of Milvus and of this process, and the milliseconds of a whole search. A model adds its own time
for each chunk and each question. The figures of the repository are in bench/results/growth.json; docs/guides/milvus.md
has their chart.
"""

import argparse
import random
import shutil
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench.ingest import peak_memory
from bench.latency import time_search
from bench.metrics import percentiles
from bench.results import add_result
from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import ChunkingSettings, KnowledgeSettings, RetrievalSettings, Settings, StoreSettings
from rag.wiring import Services

DIMENSION = 384  # that of the embedder that ships
_VOCABULARY = 20_000
_CHUNKS_PER_DOCUMENT = 20
_WORDS_PER_CHUNK = 60
_QUESTIONS = 200
_SEED = 20261129
_COMMON_HAN = range(0x4E00, 0x5E00)


def main() -> None:
    """Measure each number of chunks, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, nargs="+", default=[1_000, 3_000, 10_000, 30_000, 100_000])
    parser.add_argument(
        "--work", type=Path, default=Path(".zhiwen/bench-growth"), help="folder for documents and index"
    )
    parser.add_argument("--results", type=Path, help="write the figures into this JSON file")
    arguments = parser.parse_args()
    for chunks in arguments.chunks:
        shutil.rmtree(arguments.work, ignore_errors=True)
        figures = measure(chunks, arguments.work.resolve())
        print(f"{chunks} chunks: {figures}", flush=True)
        if arguments.results:
            add_result(arguments.results, str(chunks), figures)


def measure(chunks: int, work: Path, store: StoreSettings | None = None) -> dict[str, Any]:
    """Return the figures for an index of `chunks` chunks, in a file below `work` or in an empty `store` on a server."""
    words = Words()
    documents = work / "docs"
    words.write_documents(documents, chunks)
    settings = Settings(
        knowledge=KnowledgeSettings(path=documents, gitignore=False),
        store=store or StoreSettings(uri=str(work / "milvus.db"), timeout_seconds=60),
        chunking=ChunkingSettings(max_tokens=512),
        retrieval=RetrievalSettings(mode="dense" if store else "hybrid"),
    )
    embedder = ScriptedEmbedder(dimension=DIMENSION, max_tokens=512)
    with Services(settings, embedder=embedder, for_one_command=True) as services:
        first = ingest(settings, services.store, embedder)
        unchanged = ingest(settings, services.store, embedder)
        (documents / "00000.md").write_text(words.document(0), encoding="utf-8")
        edited = ingest(settings, services.store, embedder)
        questions = [words.question() for _ in range(_QUESTIONS)]
        for question in questions[:20]:
            time_search(question, services)
        searches = [time_search(question, services) for question in questions]
        memory = dict(peak_memory())
    return {
        "chunks": first.chunks.added,
        "first_ingest_seconds": first.seconds,
        "unchanged_seconds": unchanged.seconds,
        "one_document_seconds": edited.seconds,
        "disk_mb": sum(path.stat().st_size for path in work.glob("milvus.db*")) // 1024**2,
        "peak_mb": memory,
        "search_milliseconds": percentiles(searches),
    }


class Words:
    """Random words, the n-th most frequent one 1/n as often as the first; the same ones each time."""

    def __init__(self) -> None:
        self._random = random.Random(_SEED)  # noqa: S311  (the same words each time)
        self._words = [self._word() for _ in range(_VOCABULARY)]
        self._cumulative_weights = list(accumulate(1 / rank for rank in range(1, _VOCABULARY + 1)))

    def write_documents(self, folder: Path, chunks: int) -> None:
        """Write documents with `chunks` chunks together into a new folder."""
        folder.mkdir(parents=True)
        for number in range(chunks // _CHUNKS_PER_DOCUMENT):
            (folder / f"{number:05}.md").write_text(self.document(number), encoding="utf-8")

    def document(self, number: int) -> str:
        """Return a document of sections that are one chunk each."""
        sections = (f"## {self._text(3)}\n\n{self.paragraph()}\n" for _ in range(_CHUNKS_PER_DOCUMENT))
        return "\n".join([f"# 文档 {number}\n", *sections])

    def paragraph(self) -> str:
        """Return the text of a chunk."""
        return f"{self._text(_WORDS_PER_CHUNK)}。"

    def question(self) -> str:
        """Return a question of rare and common words."""
        return f"{self._text(4)}{self._random.choice(self._words)}？"

    def _text(self, count: int) -> str:
        return "".join(self._random.choices(self._words, cum_weights=self._cumulative_weights, k=count))

    def _word(self) -> str:
        if self._random.random() < 0.15:
            letters = self._random.choices("abcdefghijklmnopqrstuvwxyz", k=self._random.randint(3, 8))
            return f" {''.join(letters)} "
        return "".join(chr(self._random.choice(_COMMON_HAN)) for _ in range(2))


if __name__ == "__main__":
    main()
