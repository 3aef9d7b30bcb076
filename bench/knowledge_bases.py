"""Measure the memory that a second knowledge base takes in the same server, with the embedding model that ships.

    python -m bench.knowledge_bases [--chunks 1000] [--work DIR] [--results FILE]

Documents of random words are ingested into two knowledge bases of the same size. One server has only the first, another
one has both. Each answers the same number of questions per knowledge base, so that the chunks that it keeps in memory
are there. The benchmark prints the resident memory of the server and of its Milvus in MB, and the difference.
"""

import argparse
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx2

from bench.growth import Words
from bench.results import write_result
from bench.server_process import ZHIWEN, resident_megabytes, server_process

_QUESTIONS = 200
_BASES = ("default", "second")


def main() -> None:
    """Ingest, measure a server with one and a server with both, print the figures, and write them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=1000, help="chunks of each knowledge base")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench-knowledge-bases"), help="folder for all files")
    parser.add_argument("--results", type=Path, help="write the figures into this JSON file")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    one, both = write_folders(work, arguments.chunks)
    for config, name in ((one, "default"), (both, "all")):
        subprocess.run([ZHIWEN, "--config", str(config), "ingest", "--kb", name], check=True)  # noqa: S603  (our own)
    words = Words()
    questions = [words.question() for _ in range(_QUESTIONS)]
    memory = {"one": measure(one, _BASES[:1], questions), "two": measure(both, _BASES, questions)}
    total = {name: sum(parts.values()) for name, parts in memory.items()}
    result = {
        "chunks_each": arguments.chunks,
        "resident_mb": memory,
        "second_mb": round(total["two"] - total["one"], 1),
    }
    print(json.dumps(result, indent=2))
    if arguments.results:
        write_result(arguments.results, result)


def write_folders(work: Path, chunks: int) -> tuple[Path, Path]:
    """Write the documents, and return configurations of one knowledge base and of both, each with its own index."""
    shutil.rmtree(work, ignore_errors=True)
    words = Words()
    for name in _BASES:
        words.write_documents(work / name, chunks)
    configs = []
    for index, others in (("one", ()), ("two", _BASES[1:])):
        settings = {
            "knowledge": {"path": "default", "gitignore": False},
            "knowledge_bases": {name: {"path": name, "gitignore": False} for name in others},
            "store": {"uri": f"{index}/milvus.db"},
            "traces": {"enabled": False},
            "serve": {"requests_per_minute": 0},
        }
        configs.append(work / f"{index}.yaml")
        configs[-1].write_text(json.dumps(settings), encoding="utf-8")
    return configs[0], configs[1]


def measure(config: Path, knowledge_bases: Sequence[str], questions: Sequence[str]) -> dict[str, float]:
    """Ask a server the questions in each knowledge base, and return its memory and that of its Milvus in MB."""
    command = [ZHIWEN, "--config", str(config), "serve", "--port", "0"]
    with server_process(command, {}) as (url, pid), httpx2.Client(base_url=url, timeout=60, trust_env=False) as client:
        for name in knowledge_bases:
            for question in questions:
                client.post("/search", json={"question": question, "knowledge_base": name}).raise_for_status()
        milvus = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        memory = {"server": resident_megabytes(pid), "milvus": sum(map(resident_megabytes, milvus))}
        return {name: round(megabytes, 1) for name, megabytes in memory.items()}


if __name__ == "__main__":
    main()
