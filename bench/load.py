"""More clients than the service can serve: `python -m bench.load [--questions N] [--rounds N] [--results FILE]`.

Starts a scripted model and `zhiwen serve` with its default limits over the shipped knowledge, and measures in one run:

- milliseconds of a search, one after the other: without other clients, and beside half-open connections and clients
  that do not read;
- N questions at once, several times: how many are answered and how many get 429, the milliseconds until a 429, and the
  MiB that the service occupies after each round.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from bench.answering import Service, serving
from bench.metrics import percentiles
from bench.raw_http import connected, replied, request_bytes
from bench.results import report

QUESTION = "向量数据库有哪些知名组件？"
_LARGE_FILE = "/api-docs/assets/swagger-ui-bundle.js"
_HALF_OPEN = 1000
_NOT_READING = 200
_SEARCHES = 100
_WARM_UP = 20


def main() -> None:
    """Measure, print the figures and add them to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=1000, help="questions at once")
    parser.add_argument("--rounds", type=int, default=5, help="how many times to ask them")
    parser.add_argument("--results", type=Path, help="add the figures to this JSON file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as service:
        result = asyncio.run(slow_clients(service))
        result |= asyncio.run(questions_at_once(service, arguments.questions, arguments.rounds))
    report("load", result, arguments.results)


async def slow_clients(service: Service, *, searches: int = _SEARCHES) -> dict[str, object]:
    """The milliseconds of a search, alone and beside clients that send or read nothing more."""
    await _searches(service, _WARM_UP)
    alone = await _searches(service, searches)
    halves = (
        b"",
        b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow",
        request_bytes("POST", "/ask", question="x")[:-1],
    )
    async with AsyncExitStack() as clients:
        for number in range(_HALF_OPEN):
            await clients.enter_async_context(connected(service.url, halves[number % len(halves)]))
        for _ in range(_NOT_READING):
            reader, _writer = await clients.enter_async_context(
                connected(service.url, request_bytes("GET", _LARGE_FILE))
            )
            reader._transport.pause_reading()  # type: ignore[attr-defined]
        beside = await _searches(service, searches)
    return {
        "searches": searches,
        "search_milliseconds": percentiles(alone),
        "half_open_connections": _HALF_OPEN,
        "clients_that_do_not_read": _NOT_READING,
        "search_milliseconds_beside_them": percentiles(beside),
    }


async def questions_at_once(service: Service, count: int, rounds: int) -> dict[str, object]:
    """Ask `count` questions at once, each on a connection of its own, and repeat that for each round."""
    statuses, rejections, memory = Counter[int](), list[float](), list[float]()
    asking = request_bytes("POST", "/ask", question=QUESTION)
    for _ in range(rounds):
        async with AsyncExitStack() as clients:
            connections = [await clients.enter_async_context(connected(service.url)) for _ in range(count)]
            replies = await asyncio.gather(*(replied(connection, asking) for connection in connections))
        statuses.update(reply.status for reply in replies)
        rejections += [reply.header_seconds for reply in replies if reply.status == 429]
        memory.append(round(service.resident_megabytes(), 1))
    return {
        "questions_at_once": count,
        "rounds": rounds,
        "responses_by_status": {str(status): number for status, number in sorted(statuses.items())},
        "rejection_milliseconds": percentiles(rejections),
        "resident_megabytes_after_each_round": memory,
    }


async def _searches(service: Service, count: int) -> list[float]:
    """Search `count` times, one after the other on one connection. Return the seconds of each search."""
    async with connected(service.url) as connection:
        replies = [await replied(connection, request_bytes("POST", "/search", question=QUESTION)) for _ in range(count)]
    if any(reply.status != 200 for reply in replies):
        raise RuntimeError(f"a search got status {max(reply.status for reply in replies)}")
    return [reply.header_seconds for reply in replies]


if __name__ == "__main__":
    main()
