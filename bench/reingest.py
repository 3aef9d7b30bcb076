"""Measure what a re-ingest costs.

    python -m bench.reingest DOCS [--embedder builtin] [--work DIR] [--out FILE]

`DOCS` is a folder of Markdown files with subfolders. The benchmark copies it, runs `zhiwen ingest`, runs it while
another process has the store open, and runs it again after each of these steps: nothing changed; nothing changed, with
`--verify`; ten paragraphs edited in ten files; a folder renamed; the folder renamed back, while `zhiwen serve` has the
store open and has answered a search. Of each step it prints the seconds of the whole process, the texts embedded, and
the chunks added and removed. `--out FILE` writes them as JSON; the figures of the repository are in
bench/results/reingest.json.

By default an endpoint hashes words into vectors, so that the figures show everything but the model. With
`--embedder builtin` the first ingest takes much longer; it is kept in the work folder, and the next run reuses it.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2

from bench.embedding_endpoint import word_vector_endpoint
from bench.results import write_result
from bench.server_process import ZHIWEN, server_process
from rag.settings import Settings, StoreSettings
from rag.wiring import open_store

NO_OP_RUNS = 5
EDITED_FILES = 10
RENAMED_FILES = 50
_SEED = 20261123


@dataclass(frozen=True, slots=True)
class Measurement:
    """One step: the counts of its report, and the seconds of the whole process, as the median of `runs` runs."""

    step: str
    runs: int
    seconds: float
    embedded: int
    documents_touched: int
    chunks_added: int
    chunks_removed: int


def main() -> None:
    """Run all steps, print their figures, and write them if `--out` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path, help="folder of Markdown files with subfolders")
    parser.add_argument("--embedder", choices=["words", "builtin"], default="words", help="what embeds")
    parser.add_argument(
        "--work", type=Path, default=Path(".zhiwen/bench-reingest"), help="folder for the copy and the index"
    )
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    arguments = parser.parse_args()
    if arguments.embedder == "builtin":
        measurements = measure(arguments.docs, arguments.work, {})
    else:
        with word_vector_endpoint() as url:
            # The port is part of the embedder's fingerprint, so the next run could not reuse the first ingest.
            shutil.rmtree(arguments.work, ignore_errors=True)
            measurements = measure(arguments.docs, arguments.work, endpoint_settings(url))
    for measurement in measurements:
        print(
            f"{measurement.step:<36} {measurement.seconds:>8.2f} s  {measurement.embedded:>6} embedded  "
            f"+{measurement.chunks_added} −{measurement.chunks_removed} chunks"
        )
    if arguments.out:
        figures = {
            "embedder": arguments.embedder,
            "documents": sum(1 for _ in (arguments.work / "docs").rglob("*.md")),
            "steps": [asdict(measurement) for measurement in measurements],
        }
        write_result(arguments.out, figures)


def endpoint_settings(url: str) -> dict[str, str]:
    """Return the environment in which zhiwen embeds at this address."""
    return {
        "ZHIWEN_EMBEDDING__PROVIDER": "openai",
        "ZHIWEN_EMBEDDING__BASE_URL": url,
        "ZHIWEN_EMBEDDING__MODEL": "words",
    }


def measure(docs: Path, work: Path, settings: dict[str, str]) -> list[Measurement]:
    """Measure the steps in order. If the work folder holds a finished first ingest, start from that."""
    root, first = work / "docs", work / "first.json"
    found = []
    if not first.is_file():
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(docs, root)
        found.append(_run("first ingest", work, settings))
        shutil.copytree(root, work / "docs.first")
        shutil.copyfile(work / "m.db", work / "first.db")
        first.write_text(json.dumps(asdict(found[0])), encoding="utf-8")
    else:
        found.append(Measurement(**json.loads(first.read_text(encoding="utf-8"))))
        shutil.rmtree(root)
        shutil.copytree(work / "docs.first", root)
        shutil.copyfile(work / "first.db", work / "m.db")
    found.append(_run_refused(work, settings))
    found.append(_run("nothing changed", work, settings, runs=NO_OP_RUNS))
    found.append(_run("nothing changed, --verify", work, settings, "--verify", runs=NO_OP_RUNS))
    edited = _edit_paragraphs(root)
    found.append(_run(f"{edited} paragraphs edited", work, settings))
    before, after = _rename_folder(root)
    renamed = f"folder of {sum(1 for _ in after.rglob('*.md'))} files renamed"
    found.append(_run(renamed, work, settings))
    with _service(work, settings):
        after.rename(before)
        found.append(_run(f"{renamed}, served", work, settings))
    return found


def _run_refused(work: Path, settings: dict[str, str]) -> Measurement:
    """Measure an ingest that is refused because this process has the store open."""
    with open_store(Settings(store=StoreSettings(uri=str(work / "m.db")))) as store:
        store.connect()
        seconds, done = _time_ingest(work, settings)
    if done.returncode == 0 or "is in use by process" not in done.stdout + done.stderr:
        raise SystemExit(f"a second ingest was not refused: {done.stdout}{done.stderr}")
    return Measurement("refused: store in use", 1, round(seconds, 2), 0, 0, 0, 0)


def _time_ingest(work: Path, settings: dict[str, str], *options: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Ingest in a process of its own. Return its seconds and how it ended."""
    command = [ZHIWEN, "ingest", "--json", *options]
    others = {key: value for key, value in os.environ.items() if not key.startswith("ZHIWEN_")}
    environment = others | _environment(work, settings)
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    return time.perf_counter() - started, done


@contextmanager
def _service(work: Path, settings: dict[str, str]) -> Iterator[None]:
    """Run `zhiwen serve` over the index, which has loaded its chunks for a search."""
    environment = _environment(work, settings) | {"ZHIWEN_TRACES__PATH": str(work / "traces")}
    with server_process([ZHIWEN, "serve", "--port", "0"], environment) as (url, _):
        httpx2.post(f"{url}/search", json={"question": "TiDB"}, timeout=60, trust_env=False).raise_for_status()
        yield


def _environment(work: Path, settings: dict[str, str]) -> dict[str, str]:
    paths = {"ZHIWEN_KNOWLEDGE__PATH": work / "docs", "ZHIWEN_STORE__URI": work / "m.db"}
    return {name: str(path.resolve()) for name, path in paths.items()} | settings


def _run(step: str, work: Path, settings: dict[str, str], *options: str, runs: int = 1) -> Measurement:
    seconds = []
    report = {}
    for _ in range(runs):
        elapsed, done = _time_ingest(work, settings, *options)
        seconds.append(elapsed)
        report = json.loads(done.stdout)
        if done.returncode:
            raise SystemExit(f"{step}: {report.get('failures') or report}\n{done.stderr}")
    documents, chunks = report["documents"], report["chunks"]
    return Measurement(
        step=step,
        runs=runs,
        seconds=round(statistics.median(seconds), 2),
        embedded=report["embedded"],
        documents_touched=documents["added"] + documents["changed"] + documents["removed"],
        chunks_added=chunks["added"],
        chunks_removed=chunks["removed"],
    )


def _edit_paragraphs(root: Path) -> int:
    """Append a sentence to one paragraph in each of at most ten files; return how many were edited."""
    files = sorted(root.rglob("*.md"))
    random.Random(_SEED).shuffle(files)  # noqa: S311  (a repeatable choice, no secret)
    edited = 0
    for path in files:
        lines = path.read_text(encoding="utf-8").split("\n")
        number = next((number for number in range(5, len(lines)) if _is_paragraph(lines, number)), None)
        if number is not None:
            lines[number] += f"这一段在第 {edited + 1} 次修改中补充了一句。"
            path.write_text("\n".join(lines), encoding="utf-8")
            edited += 1
        if edited == EDITED_FILES:
            break
    return edited


def _is_paragraph(lines: list[str], number: int) -> bool:
    """Whether a line is a paragraph of its own: it starts with a letter, and the lines around it are blank."""
    line = lines[number]
    return line[:1].isalpha() and not lines[number - 1].strip() and not "".join(lines[number + 1 : number + 2]).strip()


def _rename_folder(root: Path) -> tuple[Path, Path]:
    """Rename the subfolder whose number of files is nearest to fifty; return its path before and after."""
    folders = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    counts = {path: sum(1 for _ in path.rglob("*.md")) for path in folders}
    chosen = min(folders, key=lambda path: (abs(counts[path] - RENAMED_FILES), path.name))
    return chosen, chosen.rename(chosen.with_name(f"{chosen.name}-renamed"))


if __name__ == "__main__":
    main()
