"""Measure how much faster a second machine makes an ingest on Ray.

    python -m bench.ray_ingest FOLDER [--files 150] [--runs 3] [--work DIR] [--results FILE]

`FOLDER` is a folder of Markdown files; `--files` takes the first ones by path, without tables of contents (`TOC*.md`).
A Ray cluster of one node with one CPU is started on loopback, and then a second node; each embeds with one thread. On
both clusters the files are ingested `--runs` times into an empty Milvus Lite file. The benchmark prints the seconds,
with the start of the processes that embed, and the ratio of the medians. It needs the extra `ray`, and a core for each
node besides what the ingest itself computes.
"""

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.ingest import copy_files, settings_for
from bench.ray_nodes import ray_nodes
from bench.results import write_result
from ingest.sync import ingest
from rag.settings import IngestSettings
from rag.wiring import Services


def main() -> None:
    """Measure, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of Markdown files")
    parser.add_argument("--files", type=int, help="how many files, the first ones by path [default: all]")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench-ray"), help="folder for copy and index")
    parser.add_argument("--results", type=Path, help="write the figures into this JSON file")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    copy_files(arguments.folder, work / "docs", arguments.files)
    with ray_nodes() as nodes:
        os.environ.update(nodes.environment)
        one = _seconds(work, nodes.address, arguments.runs)
        nodes.add()
        two = _seconds(work, nodes.address, arguments.runs)
    figures: dict[str, Any] = {
        "one_node_seconds": one,
        "two_nodes_seconds": two,
        "ratio": round(median(one) / median(two), 2),
    }
    print(figures)
    if arguments.results:
        write_result(arguments.results, figures)


def _seconds(work: Path, address: str, runs: int) -> Sequence[float]:
    settings = settings_for(work)
    settings = settings.model_copy(update={"ingest": IngestSettings(engine="ray", ray_address=address)})
    seconds = []
    for _ in range(runs):
        for file in work.glob("milvus.db*"):
            file.unlink()
        with Services(settings, for_one_command=True) as services:
            report = ingest(settings, services.store, services.embedder)
        print(f"{report.chunks.added} chunks in {report.seconds} s", flush=True)
        seconds.append(round(report.seconds, 1))
    return seconds


if __name__ == "__main__":
    main()
