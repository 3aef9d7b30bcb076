"""Time the read path of a running service over HTTP: searches and answers that are quoted, by 1 and by 8 clients."""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.metrics import percentiles
from bench.raw_http import Reply, connected, replied, request_bytes
from bench.server_process import ZHIWEN, server_process
from rag.settings import Settings

PATHS = ("/search", "/ask")
CLIENTS = (1, 8)
_WARM_UP_QUESTIONS = 20


@dataclass(frozen=True, slots=True)
class Run:
    """The responses to all questions, and the seconds until the last of them."""

    replies: Sequence[Reply]
    seconds: float

    def figures(self) -> dict[str, float]:
        """The milliseconds of a request, and how many were answered in a second."""
        whole = percentiles([reply.seconds for reply in self.replies])
        return whole | {"per_second": round(len(self.replies) / self.seconds, 1)}


def measure_http(settings: Settings, questions: Sequence[str]) -> dict[str, object]:
    """Start a service over the index of these settings, ask it all questions in each way, and return the figures.

    The index must not be open elsewhere. The milliseconds by stage are those that the traces of one client's answers
    have.
    """
    with _service(settings) as url:
        return asyncio.run(_measure(url, questions))


@contextmanager
def _service(settings: Settings) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "ZHIWEN_KNOWLEDGE__PATH": str(settings.knowledge.path),
            "ZHIWEN_STORE__URI": settings.store.uri,
            "ZHIWEN_TRACES__PATH": folder,
            "ZHIWEN_CHAT__PROVIDER": "extractive",
            "ZHIWEN_ANSWERING__CACHED_ANSWERS": "0",
            "ZHIWEN_SERVE__REQUESTS_PER_MINUTE": "0",
        }
        with server_process([ZHIWEN, "serve", "--port", "0"], environment) as (url, _):
            yield url


async def _measure(url: str, questions: Sequence[str]) -> dict[str, object]:
    result: dict[str, object] = {}
    for path in PATHS:
        await _run(url, path, questions[:_WARM_UP_QUESTIONS], clients=1)
        for clients in CLIENTS:
            run = await _run(url, path, questions, clients=clients)
            result[f"{path} clients={clients}"] = run.figures()
            if path == "/ask" and clients == 1:
                result["stage_milliseconds"] = await _stages(url, run.replies)
    return result


async def _run(url: str, path: str, questions: Sequence[str], *, clients: int) -> Run:
    """Ask all questions; each client has a connection of its own and asks its next question after an answer."""
    waiting = iter(questions)
    replies: list[Reply] = []

    async def ask() -> None:
        async with connected(url) as connection:
            for question in waiting:
                replies.append(await replied(connection, request_bytes("POST", path, question=question)))

    started = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(clients)))
    seconds = time.perf_counter() - started
    if any(reply.status != 200 for reply in replies):
        raise RuntimeError(f"{path} got status {max(reply.status for reply in replies)}")
    return Run(replies, seconds)


async def _stages(url: str, answers: Sequence[Reply]) -> dict[str, Mapping[str, float]]:
    """The milliseconds of each stage, from the traces of answers."""
    seconds: dict[str, list[float]] = {}
    async with connected(url) as connection:
        for answer in answers:
            trace_id = json.loads(answer.body)["trace_id"]
            trace = json.loads((await replied(connection, request_bytes("GET", f"/traces/{trace_id}"))).body)
            for stage, milliseconds in trace["milliseconds"].items():
                seconds.setdefault(stage, []).append(milliseconds / 1000)
    return {stage: percentiles(spent) for stage, spent in seconds.items()}
