"""One caller against all others: `python -m bench.one_caller [--questions N] [--results FILE]`.

Starts a scripted model and `zhiwen serve` over the shipped knowledge and a hostile document, with two API keys and no
limit on the requests of a minute. One key asks ordinary questions, one after the other: first alone, then while the
other key sends the most expensive requests that it can, in a loop over 20 connections. Measured are the milliseconds of
a search and of an answer, and the MiB that the service occupies.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from urllib.parse import quote

import yaml

from bench.answering import Service, serving
from bench.metrics import percentiles
from bench.paced_model import HOSTILE
from bench.raw_http import connected, replied, request_bytes, with_key
from bench.results import report
from bench.server_process import ROOT
from tests.kit.api_keys import key_of

_CONNECTIONS = 20
_WARM_UP_SECONDS = 5
_ROUNDS = 5
_TRAPS = f"# Traps\n\n{'[' * 20_000}\n"
_WORST_FILTER = {
    "logical_operator": "or",
    "conditions": [
        {"name": ["tags"], "comparison_operator": "not in", "value": [f"value {n} {m}" for m in range(50)]}
        for n in range(20)
    ],
}


def main() -> None:
    """Measure, print the figures and add them to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=100, help="ordinary searches, and as many answers")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _serving_two_keys(Path(folder)) as service:
        result = asyncio.run(measure(service, arguments.questions))
    report("one_caller", result, arguments.results)


@contextmanager
def _serving_two_keys(folder: Path) -> Iterator[Service]:
    knowledge = folder / "knowledge"
    shutil.copytree(ROOT / "knowledge", knowledge)
    (knowledge / "traps.md").write_text(_TRAPS)
    keys = ",".join(f"{name}:ask:{key_of(name)}" for name in ("ordinary", "hostile"))
    settings = {
        "ZHIWEN_KNOWLEDGE__PATH": str(knowledge),
        "ZHIWEN_SERVE__KEYS": keys,
        "ZHIWEN_SERVE__REQUESTS_PER_MINUTE": "0",
    }
    with serving(folder, settings) as service:
        yield service


async def measure(service: Service, count: int) -> dict[str, object]:
    """Ask `count` questions alone, and as many, in rounds, beside the hostile key."""
    await _ordinary(service, 20)
    alone = await _ordinary(service, count)
    memory = [round(service.resident_megabytes(), 1)]
    beside: dict[str, list[float]] = {"search": [], "answer": []}
    with _attacked(service) as statuses:
        await asyncio.sleep(_WARM_UP_SECONDS)
        for _ in range(_ROUNDS):
            for name, seconds in (await _ordinary(service, count // _ROUNDS)).items():
                beside[name] += seconds
            memory.append(round(service.resident_megabytes(), 1))
    return {
        "questions": count,
        "connections": _CONNECTIONS,
        **{f"{name}_milliseconds_alone": percentiles(seconds) for name, seconds in alone.items()},
        **{f"{name}_milliseconds_beside": percentiles(seconds) for name, seconds in beside.items()},
        "p95_beside_over_alone": {
            name: round(percentiles(beside[name])["p95"] / percentiles(alone[name])["p95"], 2) for name in alone
        },
        "hostile_responses_by_status": {str(status): number for status, number in sorted(statuses.items())},
        "resident_megabytes_alone_and_after_each_round": memory,
    }


@contextmanager
def _attacked(service: Service) -> Iterator[Counter[int]]:
    """Attack the service from another process, whose work is not timed with that of the ordinary key.

    Yields how often each status came, which is known at the end.
    """
    spawn = multiprocessing.get_context("spawn")
    stop, outcome, statuses = spawn.Event(), spawn.SimpleQueue(), Counter[int]()
    attacker = spawn.Process(target=_run_attack, args=(service.url, stop, outcome), daemon=True)
    attacker.start()
    try:
        yield statuses
    finally:
        stop.set()
        statuses.update(outcome.get())
        attacker.join()


def _run_attack(url: str, stop: Event, outcome: "SimpleQueue[Counter[int]]") -> None:
    async def attack() -> Counter[int]:
        statuses, requests = Counter[int](), _worst_requests()
        tasks = [asyncio.create_task(_attack(url, requests, statuses)) for _ in range(_CONNECTIONS)]
        await asyncio.to_thread(stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return statuses

    outcome.put(asyncio.run(attack()))


async def _ordinary(service: Service, count: int) -> dict[str, list[float]]:
    """Return the seconds of `count` searches and of as many answers."""
    golden = yaml.safe_load((ROOT / "knowledge" / "golden.yaml").read_text(encoding="utf-8"))
    questions = [entry["question"] for entry in golden["questions"] if not entry.get("refused")]
    seconds: dict[str, list[float]] = {"search": [], "answer": []}
    async with connected(service.url) as connection:
        for question in itertools.islice(itertools.cycle(questions), count):
            for name, path in (("search", "/search"), ("answer", "/ask")):
                request = with_key(request_bytes("POST", path, question=question), key_of("ordinary"))
                reply = await replied(connection, request)
                if reply.status != 200:
                    raise RuntimeError(f"{path} got status {reply.status}: {reply.body.decode()}")
                seconds[name].append(reply.seconds)
    return seconds


async def _attack(url: str, requests: Iterator[bytes], statuses: Counter[int]) -> None:
    while True:
        try:
            async with connected(url) as connection:
                while True:
                    reply = await replied(connection, with_key(next(requests), key_of("hostile")))
                    statuses[reply.status] += 1
        except (OSError, asyncio.IncompleteReadError):
            statuses[0] += 1


def _worst_requests() -> Iterator[bytes]:
    """Yield the most expensive requests that one key can send, each unlike those before."""
    for number in itertools.count(1):
        yield request_bytes(
            "POST",
            "/retrieval",
            knowledge_id="zhiwen",
            query=f"where {number}",
            retrieval_setting={"top_k": 50, "score_threshold": 0},
            metadata_condition=_WORST_FILTER,
        )
        yield request_bytes("POST", "/search", question=f"{number} " + "a-" * 1990, top_k=50, explain=True)
        yield request_bytes("POST", "/search", question=f"{number} " + "\ufdfa" * 200, top_k=50)
        yield request_bytes("GET", f"/documents/{quote('traps.md')}?lines={number}")
        for kind in range(1, len(HOSTILE) + 1):
            question = "向量数据库有哪些知名组件？" + "！" * kind
            yield request_bytes("POST", "/page/ask", question=question)
            yield request_bytes("POST", "/ask", question=question)
        yield request_bytes("POST", "/feedback", trace_id="0" * 32, rating="down", comment="x" * 1000)


if __name__ == "__main__":
    main()
