"""Metrics for Prometheus: counters and timings of what has happened. Gauges are in `gauges`.

Labels take values from closed sets: routes, stages, configured models, outcomes. No text of a request becomes a label.
"""

from collections.abc import Mapping, Sequence

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from api.schemas.error_bodies import ERRORS
from api.version import version
from ingest.staging.report import IngestReport
from rag.errors import ZhiwenError
from rag.state.traces import Trace
from rag.types import Attempt

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_INGEST_BUCKETS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """The counters and histograms of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Info("zhiwen_build", "The running version.", registry=self.registry).info({"version": version()})
        self._declare_requests()
        self._declare_answers()
        self._declare_chat_calls()
        self._declare_ingests()

    def _declare_requests(self) -> None:
        self._requests = self._counter(
            "zhiwen_http_requests", "Requests, including refused ones.", "method", "route", "status"
        )
        self._request_seconds = self._histogram(
            "zhiwen_http_request_seconds",
            "From the request's header to the last byte of the response.",
            "route",
            buckets=_REQUEST_BUCKETS,
        )

    def _declare_answers(self) -> None:
        self._answers = self._counter(
            "zhiwen_answers", "Answers, including refusals; `cached` tells whether from the cache.", "cached"
        )
        self._refusals = self._counter("zhiwen_refusals", "Refusals by reason.", "reason")
        self._broken_off = self._counter(
            "zhiwen_answers_broken_off",
            "Answers that failed while they were being written, by the code of the error.",
            "code",
        )
        self._unverified = self._counter(
            "zhiwen_unverified_sentences", "Sentences that the cited passages do not support."
        )
        self._stage_seconds = self._histogram(
            "zhiwen_stage_seconds",
            "Duration of the stages of answers and searches; `total` is a whole answer, `search` a whole search.",
            "stage",
            buckets=_STAGE_BUCKETS,
        )

    def _declare_chat_calls(self) -> None:
        self._attempts = self._counter("zhiwen_chat_attempts", "Calls to chat models by outcome.", "model", "outcome")
        self._first_token_seconds = self._histogram(
            "zhiwen_chat_first_token_seconds",
            "From the call to a chat model to its first token.",
            "model",
            buckets=_STAGE_BUCKETS,
        )
        self._tokens = self._counter("zhiwen_chat_tokens", "Tokens as the provider counts them.", "model", "kind")
        self._cost = self._counter("zhiwen_chat_cost", "Cost in the currency of chat.prices.", "model")

    def _declare_ingests(self) -> None:
        self._ingests = self._counter("zhiwen_ingests", "Ingests by outcome.", "outcome")
        self._ingest_seconds = self._histogram(
            "zhiwen_ingest_seconds", "Duration of ingests that went live.", buckets=_INGEST_BUCKETS
        )
        self._embedded = self._counter("zhiwen_ingest_embedded_chunks", "Chunks embedded by ingests.")
        self._unread = self._counter(
            "zhiwen_ingest_unread_documents", "Documents that could not be read and kept their old version."
        )

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def _histogram(self, name: str, documentation: str, *labels: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(name, documentation, labels, registry=self.registry, buckets=buckets)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self._requests.labels(method, route, status).inc()
        self._request_seconds.labels(route).observe(seconds)

    def count_answer(self, trace: Trace) -> None:
        """Count an answer, its stages and its calls to chat models."""
        answer = trace.answer
        if trace.failure:
            self._broken_off.labels(trace.failure.code).inc()
        else:
            self._answers.labels(str(answer.cached).lower()).inc()
        if answer.refused:
            self._refusals.labels(answer.reason).inc()
        self._unverified.inc(len(answer.unverified))
        for stage, milliseconds in trace.milliseconds.items():
            self._stage_seconds.labels(stage).observe(milliseconds / 1000)
        for attempt in answer.attempts:
            self._count_attempt(attempt)

    def count_search(self, seconds: Mapping[str, float]) -> None:
        """Count a search, given the seconds of each of its stages."""
        for stage, spent in seconds.items():
            self._stage_seconds.labels(stage).observe(spent)

    def count_ingest(self, result: IngestReport | ZhiwenError) -> None:
        """Count an ingest that has ended, by its report or its error."""
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


def add_metrics(app: FastAPI, metrics: Metrics) -> None:
    """Add the route `/metrics`."""

    @app.get("/metrics", response_class=Response, responses=ERRORS | {200: _EXPOSITION}, tags=["service"])
    def scrape() -> Response:
        """Counters and timings in Prometheus' text format."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


_EXPOSITION = {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}
