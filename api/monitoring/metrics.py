"""What the service counts and times, for Prometheus.

Labels take values from closed sets: routes and stages of the code, configured models, outcomes. No text of a request
becomes one.
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import version

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from api.guard.concurrency_limit import ConcurrencyLimit
from api.guard.connections import Connections
from api.http.error_handlers import ERRORS
from ingest.staging.report import IngestReport
from rag.errors import StoreError, ZhiwenError
from rag.state.traces import Trace
from rag.store.store import Store
from rag.types import Attempt

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_INGEST_BUCKETS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """The counters and histograms of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("zhiwen_build", "The version that runs.", registry=registry).info({"version": version("zhiwen")})
        self._requests = Counter(
            "zhiwen_http_requests",
            "Requests, refused ones among them.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "zhiwen_http_request_seconds",
            "From the request's header to the last byte of the answer.",
            ["route"],
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self._answers = Counter(
            "zhiwen_answers", "Answers, refusals among them; from the cache or written.", ["cached"], registry=registry
        )
        self._refusals = Counter("zhiwen_refusals", "Refusals by their reason.", ["reason"], registry=registry)
        self._broken_off = Counter(
            "zhiwen_answers_broken_off",
            "Answers that failed while they were written, by the code of the error.",
            ["code"],
            registry=registry,
        )
        self._unverified = Counter(
            "zhiwen_unverified_sentences", "Sentences that their passages do not support.", registry=registry
        )
        self._stage_seconds = Histogram(
            "zhiwen_stage_seconds",
            "The stages of answers and of searches; `total` is of answers alone, `search` the whole of a search.",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._attempts = Counter(
            "zhiwen_chat_attempts", "Calls of chat models by how they ended.", ["model", "outcome"], registry=registry
        )
        self._first_token_seconds = Histogram(
            "zhiwen_chat_first_token_seconds",
            "From the call of a chat model to its first token.",
            ["model"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._tokens = Counter(
            "zhiwen_chat_tokens", "Tokens as providers count them.", ["model", "kind"], registry=registry
        )
        self._cost = Counter("zhiwen_chat_cost", "In the currency of chat.prices.", ["model"], registry=registry)
        self._ingests = Counter("zhiwen_ingests", "Ingests by how they ended.", ["outcome"], registry=registry)
        self._ingest_seconds = Histogram(
            "zhiwen_ingest_seconds", "Ingests that went live.", buckets=_INGEST_BUCKETS, registry=registry
        )
        self._embedded = Counter("zhiwen_ingest_embedded_chunks", "Texts embedded by ingests.", registry=registry)
        self._unread = Counter(
            "zhiwen_ingest_unread_documents", "Documents that kept their old version.", registry=registry
        )

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, status).inc()
        self._request_seconds.labels(route).observe(seconds)

    def count_answer(self, trace: Trace) -> None:
        answer = trace.answer
        if trace.failure:
            self._broken_off.labels(trace.failure.code).inc()
        else:
            self._answers.labels(str(answer.cached).lower()).inc()
        if answer.reason:
            self._refusals.labels(answer.reason).inc()
        self._unverified.inc(len(answer.unverified))
        for stage, milliseconds in trace.milliseconds.items():
            self._stage_seconds.labels(stage).observe(milliseconds / 1000)
        for attempt in answer.attempts:
            self._count_attempt(attempt)

    def count_search(self, seconds: Mapping[str, float]) -> None:
        for stage, spent in seconds.items():
            self._stage_seconds.labels(stage).observe(spent)

    def count_ingest(self, result: IngestReport | ZhiwenError) -> None:
        if isinstance(result, ZhiwenError):
            self._ingests.labels("failed").inc()
            return
        self._ingests.labels("complete" if result.ok else "incomplete").inc()
        self._ingest_seconds.observe(result.seconds)
        self._embedded.inc(result.embedded)
        self._unread.inc(len(result.failures))

    def _count_attempt(self, attempt: Attempt) -> None:
        self._attempts.labels(attempt.model, attempt.outcome).inc()
        if attempt.first_token_seconds is not None:
            self._first_token_seconds.labels(attempt.model).observe(attempt.first_token_seconds)
        if usage := attempt.usage:
            self._tokens.labels(attempt.model, "prompt").inc(usage.prompt_tokens)
            self._tokens.labels(attempt.model, "completion").inc(usage.completion_tokens)
            self._cost.labels(attempt.model).inc(usage.cost or 0.0)


class StoreCollector(Collector):
    """What is live, as the store says it when it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> list[Metric]:
        """Nothing, so that registering it does not ask the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            state = self._store.state()
        except StoreError:
            yield GaugeMetricFamily("zhiwen_store_up", "Whether the store answers.", value=0)
            return
        yield GaugeMetricFamily("zhiwen_store_up", "Whether the store answers.", value=1)
        live = state.live if state else None
        yield GaugeMetricFamily("zhiwen_generation", "The live generation.", value=live.generation if live else 0)
        yield GaugeMetricFamily("zhiwen_documents", "Its documents.", value=live.documents if live else 0)
        yield GaugeMetricFamily("zhiwen_chunks", "Its chunks.", value=live.chunks if live else 0)


class LoadCollector(Collector):
    """How busy the service is at this moment, and what it has dropped."""

    def __init__(self, places: ConcurrencyLimit, connections: Connections) -> None:
        self._places = places
        self._connections = connections

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("zhiwen_answers_under_way", "Questions being answered.", value=self._places.taken_now)
        yield GaugeMetricFamily(
            "zhiwen_answers_waiting", "Questions waiting for a place.", value=self._places.waiting_now
        )
        yield GaugeMetricFamily("zhiwen_connections", "Open connections.", value=len(self._connections.connections))
        dropped = CounterMetricFamily(
            "zhiwen_connections_dropped", "Connections closed on their client.", labels=["reason"]
        )
        for reason, count in self._connections.dropped.items():
            dropped.add_metric([reason], count)
        yield dropped


def add_metrics(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/metrics", response_class=Response, responses=ERRORS | {200: _EXPOSITION}, tags=["service"])
    def scrape() -> Response:
        """Counters and timings in Prometheus' text format."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


_EXPOSITION = {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}
