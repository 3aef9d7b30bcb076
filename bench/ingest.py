"""Measure a first ingest against its bare embedding model.

    python -m bench.ingest FOLDER [--files 150] [--work DIR] [--results FILE]

`FOLDER` is a folder of Markdown files; `--files` takes the first ones by path, without tables of contents (`TOC*.md`).
The benchmark copies them, and ingests the copy into an empty Milvus Lite file. Before and after it, it embeds samples
of the same chunks with the bare model, so that the two speeds belong to the same minutes of the machine. It prints both
in passages a second, their ratio, how much of the time each stage was busy, and the peak memory of each process. The
embedder is the one that the settings in the environment name, as for `zhiwen`.
"""

import argparse
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

from bench.results import add_result
from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from ingest.staging.report import IngestReport
from ingest.sync import ingest
from rag.models.embedders.protocol import Embedder
from rag.settings import Settings
from rag.settings_loader import load_settings
from rag.store.columns import text_hash
from rag.wiring import Services

_BARE_PASSAGES = 512
_SAMPLE_SECONDS = 0.02
# The stage that a thread is in, by a part of the path of its innermost function that belongs to one.
_STAGES = (
    ("parsing", "ingest/document_process.py"),
    ("chunking", "ingest/chunking/"),
    ("embedding", "rag/models/embedders/"),
    ("store", "rag/store/"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """`busy` is the share of the time in which a stage was at work, `peak_mb` the memory of each process."""

    documents: int
    chunks: int
    seconds: float
    bare_passages_per_second: float
    ingest_passages_per_second: float
    ratio: float
    busy: dict[str, float]
    peak_mb: dict[str, int]


def main() -> None:
    """Measure, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of Markdown files")
    parser.add_argument("--files", type=int, help="how many files, the first ones by path [default: all]")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench-ingest"), help="folder for copy and index")
    parser.add_argument("--results", type=Path, help="write the figures into this JSON file")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    copy_files(arguments.folder, arguments.work / "docs", arguments.files)
    with Services(settings_for(arguments.work), for_one_command=True) as services:
        figures = measure(services)
        name = services.embedder.name
    print(f"{name}: {figures.documents} documents, {figures.chunks} chunks")
    print(f"bare model    {figures.bare_passages_per_second:>7} passages/s")
    print(f"whole ingest  {figures.ingest_passages_per_second:>7} passages/s, in {figures.seconds} s")
    print(f"ratio         {figures.ratio:>7}")
    for stage, share in figures.busy.items():
        print(f"{stage:<13} {share:>7.0%} of the time busy")
    for process, megabytes in figures.peak_mb.items():
        print(f"{process:<13} {megabytes:>7} MB at most")
    if arguments.results:
        add_result(arguments.results, name, asdict(figures))


def copy_files(source: Path, target: Path, count: int | None) -> None:
    """Copy the first Markdown files of a folder."""
    files = sorted(path for path in source.rglob("*.md") if not path.name.startswith("TOC"))
    for path in files[:count]:
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)


def settings_for(work: Path) -> Settings:
    """The settings of the environment, with the documents and an empty store below `work`."""
    settings = load_settings()
    knowledge = settings.knowledge.model_copy(update={"path": work / "docs", "gitignore": False})
    store = settings.store.model_copy(update={"uri": str(work / "milvus.db"), "timeout_seconds": 60})
    return settings.model_copy(update={"knowledge": knowledge, "store": store})


def measure(services: Services) -> Figures:
    """Ingest the documents, and embed samples of their chunks before and after."""
    embedder, texts = services.embedder, _texts(services)
    embedder.embed_documents(texts[:8])  # what is only done once does not count
    seconds, passages = _embed(embedder, texts[: _BARE_PASSAGES * 2 : 2])
    store = services.store
    with _watching_process() as watched:
        report = ingest(services.settings, store, embedder)
    more_seconds, more_passages = _embed(embedder, texts[1 : _BARE_PASSAGES * 2 : 2])
    return _figures(report, (passages + more_passages) / (seconds + more_seconds), watched)


def _figures(report: IngestReport, bare: float, watched: "_Watched") -> Figures:
    whole = report.embedded / report.seconds
    return Figures(
        documents=report.documents.added,
        chunks=report.chunks.added,
        seconds=round(report.seconds, 1),
        bare_passages_per_second=round(bare, 1),
        ingest_passages_per_second=round(whole, 1),
        ratio=round(whole / bare, 2),
        busy={stage: round(watched.seen[stage] / watched.samples, 2) for stage, _ in _STAGES},
        peak_mb=watched.peak_mb,
    )


def _texts(services: Services) -> list[str]:
    """The texts of all chunks in the order of their hashes, so that any part of them is a fair sample."""
    settings, embedder = services.settings, services.embedder
    limit = min(settings.chunking.max_tokens, embedder.max_tokens)
    texts = set()
    for path in sorted(settings.knowledge.path.rglob("*.md")):
        document = parse_document(path.name, path.read_bytes())
        chunks = chunk_document(document, count_tokens=embedder.count_tokens, max_tokens=limit)
        texts |= {chunk.searchable_text for chunk in chunks}
    return sorted(texts, key=text_hash)


def _embed(embedder: Embedder, texts: Sequence[str]) -> tuple[float, int]:
    started = time.monotonic()
    embedder.embed_documents(sorted(texts, key=len, reverse=True))
    return time.monotonic() - started, len(texts)


@dataclass(slots=True)
class _Watched:
    """How often a stage was seen at work, in so many samples, and the peak memory of each process."""

    samples: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    peak_mb: dict[str, int] = field(default_factory=dict)


@contextmanager
def _watching_process() -> Iterator[_Watched]:
    """Look at the threads and child processes of this process all the time."""
    watched, ended = _Watched(), threading.Event()

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            frames = (frame for thread, frame in sys._current_frames().items() if thread != threading.get_ident())
            watched.samples += 1
            watched.seen.update({stage for frame in frames if (stage := _stage_of(frame))})
            for process, megabytes in peak_memory():
                watched.peak_mb[process] = max(watched.peak_mb.get(process, 0), megabytes)

    watcher = threading.Thread(target=watch, name="watch")
    watcher.start()
    try:
        yield watched
    finally:
        ended.set()
        watcher.join()


def _stage_of(frame: FrameType | None) -> str:
    while frame:
        path = frame.f_code.co_filename
        for stage, part in _STAGES:
            if part in path:
                return stage
        frame = frame.f_back
    return ""


def peak_memory(pid: int | None = None) -> Iterator[tuple[str, int]]:
    """Yield a process, by default this one, and its children, each with the most memory that it has had, in MB."""
    own = str(pid or os.getpid())
    for folder in Path("/proc").iterdir():
        with suppress(OSError, StopIteration, KeyError):  # a process that has ended has no memory
            if not folder.name.isdigit():
                continue
            lines = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
            if folder.name == own:
                name = "ingest"
            elif lines["PPid"].strip() != own:
                continue
            else:
                # A child that was forked a moment ago is still a copy of this process.
                command = (folder / "cmdline").read_text()
                name = next(name for name in ("parser", "milvus") if name in command)
            yield name, int(lines["VmHWM"].split()[0]) // 1024


if __name__ == "__main__":
    main()
