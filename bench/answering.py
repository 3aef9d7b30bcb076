"""Measure what zhiwen adds to the chat model's own time, and how it copes with concurrent answers.

    python -m bench.answering [--questions N] [--streams N] [--rounds N] [--results FILE]

The benchmark starts a scripted chat model and `zhiwen serve` over the shipped knowledge, both on loopback. It measures
in one run:

- Overhead, in milliseconds. One question at a time: the time to the first text of `POST /ask`, minus the time to the
  model's first token if the model gets the same prompt directly. The difference is what retrieval, prompt and filters
  cost.
- Concurrency. Rounds of concurrent streams: how many streams reach the final answer, the seconds per round, and the
  resident memory of the service after each round, in MiB.

The figures are printed. `--results FILE` adds them to a JSON file under the key `answering`; the figures of the
repository are in bench/results/answering.json.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType

import httpx2
import yaml

from bench.metrics import percentiles
from bench.results import report
from bench.server_process import ROOT, ZHIWEN, resident_megabytes, server_process

_MODEL = "scripted"
_WARM_UP_QUESTIONS = 5
_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """A running `zhiwen serve`: its base URL, its process id, and the base URL of its chat model."""

    url: str
    pid: int
    model_url: str

    def resident_megabytes(self) -> float:
        """The resident memory of the service in MiB. Milvus Lite is another process and is not counted."""
        return resident_megabytes(self.pid)


def main() -> None:
    """Run both measurements, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=100, help="number of questions asked one at a time")
    parser.add_argument("--streams", type=int, default=50, help="number of concurrent streams in a round")
    parser.add_argument("--rounds", type=int, default=10, help="number of rounds")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    golden = yaml.safe_load((ROOT / "knowledge" / "golden.yaml").read_text(encoding="utf-8"))
    questions = [entry["question"] for entry in golden["questions"] if not entry.get("refused")]
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as service:
        result = asyncio.run(measure_overhead(service, questions, arguments.questions))
        result |= asyncio.run(measure_concurrency(service, questions, arguments.streams, arguments.rounds))
    report("answering", result, arguments.results)


@contextmanager
def serving(folder: Path, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Service]:
    """Ingest the shipped knowledge into `folder` and serve it with a scripted chat model; both stop with the block.

    `settings` are environment variables that replace those of the benchmark.
    """
    with server_process([sys.executable, "-m", "bench.paced_model"], {}) as (model_url, _):
        environment = {
            "ZHIWEN_KNOWLEDGE__PATH": str(ROOT / "knowledge"),
            "ZHIWEN_STORE__URI": str(folder / "m.db"),
            "ZHIWEN_CHAT__BASE_URL": model_url,
            "ZHIWEN_CHAT__MODEL": _MODEL,
            "ZHIWEN_ANSWERING__CACHED_ANSWERS": "0",
            **settings,
        }
        subprocess.run([ZHIWEN, "ingest"], check=True, env=os.environ | environment, stdout=subprocess.DEVNULL)  # noqa: S603
        with server_process([ZHIWEN, "serve", "--port", "0"], environment) as (url, pid):
            yield Service(url, pid, model_url)


async def measure_overhead(service: Service, questions: list[str], count: int) -> dict[str, object]:
    """Ask `count` questions one at a time, each of the service and then of the bare model with the same prompt."""
    service_seconds, model_seconds = [], []
    async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        for number in range(_WARM_UP_QUESTIONS + count):
            question = questions[number % len(questions)]
            to_first_text, trace_id = await _time_first_text(client, service, question)
            prompt = (await client.get(f"{service.url}/traces/{trace_id}")).json()["prompt"]
            to_first_token = await _time_first_token(client, service, prompt)
            if number >= _WARM_UP_QUESTIONS:
                service_seconds.append(to_first_text)
                model_seconds.append(to_first_token)
    overheads = [whole - bare for whole, bare in zip(service_seconds, model_seconds, strict=True)]
    return {
        "questions": count,
        "first_text_milliseconds": percentiles(service_seconds),
        "bare_first_token_milliseconds": percentiles(model_seconds),
        "overhead_milliseconds": percentiles(overheads),
        "median_overhead_milliseconds": round(median(overheads) * 1000, 1),
    }


async def measure_concurrency(service: Service, questions: list[str], streams: int, rounds: int) -> dict[str, object]:
    """Ask `streams` questions at once, `rounds` times. Memory grows in the first two rounds while caches fill."""
    complete, memory, seconds = 0, [], []
    limits = httpx2.Limits(max_connections=streams)
    async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False, limits=limits) as client:
        for _ in range(rounds):
            started = time.perf_counter()
            ended = await asyncio.gather(
                *(_is_complete(client, service, questions[number % len(questions)]) for number in range(streams))
            )
            seconds.append(time.perf_counter() - started)
            complete += sum(ended)
            memory.append(round(service.resident_megabytes(), 1))
    return {
        "concurrent_streams": streams,
        "rounds": rounds,
        "complete": f"{complete} of {streams * rounds}",
        "seconds_per_round": round(median(seconds), 2),
        "resident_megabytes_after_each_round": memory,
    }


async def _time_first_text(client: httpx2.AsyncClient, service: Service, question: str) -> tuple[float, str]:
    """The seconds to the first `delta` event, and the id of the answer's trace."""
    started, first = time.perf_counter(), 0.0
    async with client.stream("POST", f"{service.url}/ask", json={"question": question, "stream": True}) as response:
        event = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
                if event == "delta" and not first:
                    first = time.perf_counter() - started
            elif line.startswith("data: ") and event == "answer":
                return first, str(json.loads(line.removeprefix("data: "))["trace_id"])
    raise RuntimeError(f"the stream for {question!r} ended without an answer")


async def _time_first_token(client: httpx2.AsyncClient, service: Service, messages: object) -> float:
    """The seconds to the first token of the model, asked directly."""
    started = time.perf_counter()
    body = {"model": _MODEL, "messages": messages, "stream": True}
    async with client.stream("POST", f"{service.model_url}/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: ") and '"content"' in line:
                return time.perf_counter() - started
    raise RuntimeError("the stream of the scripted model ended without a token")


async def _is_complete(client: httpx2.AsyncClient, service: Service, question: str) -> bool:
    """Whether a stream has text and ends with the answer."""
    async with client.stream("POST", f"{service.url}/ask", json={"question": question, "stream": True}) as response:
        names = [line async for line in response.aiter_lines() if line.startswith("event: ")]
    return names[-1] == "event: answer" and "event: delta" in names


if __name__ == "__main__":
    main()
