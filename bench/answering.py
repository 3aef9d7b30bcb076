"""What an answer costs beyond its chat model: `python -m bench.answering [--streams N] [--rounds N] [--results FILE]`.

Starts a scripted model and `zhiwen serve` over the shipped knowledge, both on loopback, and measures in one run:

- question by question, the seconds to the first text of `POST /ask` and to the first token of the bare model, asked the
  very prompt that the service sent it; their difference is what retrieval, prompt and filters cost;
- rounds of concurrent streams: how many come to their end, and the memory of the service after each.
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

import httpx2
import yaml

from bench.metrics import percentiles
from bench.results import add_result

ROOT = Path(__file__).parents[1]
_MODEL = "scripted"
_WARM_UP = 5
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    url: str
    pid: int
    model_url: str

    def resident_megabytes(self) -> float:
        """The memory of the service itself, without its Milvus."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=100, help="how many are asked one by one")
    parser.add_argument("--streams", type=int, default=50, help="how many are asked at once")
    parser.add_argument("--rounds", type=int, default=10, help="how often")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    golden = yaml.safe_load((ROOT / "knowledge" / "golden.yaml").read_text(encoding="utf-8"))
    questions = [entry["question"] for entry in golden["questions"]]
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as service:
        result = asyncio.run(overhead(service, questions, arguments.questions))
        result |= asyncio.run(concurrency(service, questions, arguments.streams, arguments.rounds))
    for name, value in result.items():
        print(f"{name}: {value}")
    if arguments.results:
        add_result(arguments.results, "answering", result)


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """The scripted model and a service that asks it, over the shipped knowledge."""
    with _process([sys.executable, "-m", "bench.paced_model"], {}) as (model_url, _):
        environment = {
            "ZHIWEN_KNOWLEDGE__PATH": str(ROOT / "knowledge"),
            "ZHIWEN_STORE__URI": str(folder / "m.db"),
            "ZHIWEN_TRACES__PATH": str(folder / "traces"),
            "ZHIWEN_CHAT__BASE_URL": model_url,
            "ZHIWEN_CHAT__MODEL": _MODEL,
            "ZHIWEN_ANSWERING__CACHED_ANSWERS": "0",
        }
        zhiwen = str(Path(sys.executable).with_name("zhiwen"))
        subprocess.run([zhiwen, "ingest"], check=True, env=os.environ | environment, stdout=subprocess.DEVNULL)  # noqa: S603
        with _process([zhiwen, "serve", "--port", "0"], environment) as (url, pid):
            yield Service(url, pid, model_url)


@contextmanager
def _process(command: list[str], environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """A server that prints its URL first."""
    with subprocess.Popen(  # noqa: S603  (our own commands)
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout  # noqa: S101  (it is a pipe)
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


async def overhead(service: Service, questions: list[str], count: int) -> dict[str, object]:
    """Seconds to the first text, through the service and of the bare model, one after the other."""
    wholes, bares = [], []
    async with httpx2.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
        for number in range(_WARM_UP + count):
            question = questions[number % len(questions)]
            whole, trace_id = await _first_text(client, service, question)
            messages = (await client.get(f"{service.url}/traces/{trace_id}")).json()["prompt"]
            bare = await _first_token(client, service, messages)
            if number >= _WARM_UP:
                wholes.append(whole)
                bares.append(bare)
    extra = [whole - bare for whole, bare in zip(wholes, bares, strict=True)]
    return {
        "questions": count,
        "first_text_milliseconds": percentiles(wholes),
        "bare_first_token_milliseconds": percentiles(bares),
        "overhead_milliseconds": percentiles(extra),
        "median_overhead_milliseconds": round(median(extra) * 1000, 1),
    }


async def concurrency(service: Service, questions: list[str], streams: int, rounds: int) -> dict[str, object]:
    """Rounds of so many streams at once. The first two rounds are for warming up."""
    complete, memory, seconds = 0, [], []
    limits = httpx2.Limits(max_connections=streams)
    async with httpx2.AsyncClient(timeout=_TIMEOUT, trust_env=False, limits=limits) as client:
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


async def _first_text(client: httpx2.AsyncClient, service: Service, question: str) -> tuple[float, str]:
    """The seconds to the first `delta` that holds text, and the answer's trace."""
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
    raise RuntimeError(f"no answer to {question!r}")


async def _first_token(client: httpx2.AsyncClient, service: Service, messages: object) -> float:
    started = time.perf_counter()
    body = {"model": _MODEL, "messages": messages, "stream": True}
    async with client.stream("POST", f"{service.model_url}/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: ") and '"content"' in line:
                return time.perf_counter() - started
    raise RuntimeError("the model said nothing")


async def _is_complete(client: httpx2.AsyncClient, service: Service, question: str) -> bool:
    async with client.stream("POST", f"{service.url}/ask", json={"question": question, "stream": True}) as response:
        names = [line async for line in response.aiter_lines() if line.startswith("event: ")]
    return names[-1] == "event: answer" and "event: delta" in names


if __name__ == "__main__":
    main()
