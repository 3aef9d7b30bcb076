"""Metrics for Prometheus that are read at each scrape: the live generation, the load, and calls of the reranker."""

from collections.abc import Iterator, Mapping
from operator import attrgetter

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.guard.concurrency_limit import ConcurrencyLimit
from rag.errors import StoreError
from rag.store.records import Commit
from rag.store.store import Store


class StoreCollector(Collector):
    """Gauges of the live generation, read from the store at each scrape.

    `stores` are those of the knowledge bases by name, the default one first. If there are several, each also has gauges
    of its own, with its name as a label.
    """

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = stores

    def describe(self) -> list[Metric]:
        """Empty, so that registering the collector does not read the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """`zhiwen_store_up`, and the figures of the live generation if the store answers."""
        try:
            lives = {name: store.live() for name, store in self._stores.items()}
        except StoreError:
            yield GaugeMetricFamily("zhiwen_store_up", "Whether the store answers.", value=0)
            return
        yield GaugeMetricFamily("zhiwen_store_up", "Whether the store answers.", value=1)
        live = next(iter(lives.values()))
        yield GaugeMetricFamily("zhiwen_generation", "The live generation.", value=live.generation if live else 0)
        yield GaugeMetricFamily(
            "zhiwen_documents", "Documents of the live generation.", value=live.documents if live else 0
        )
        yield GaugeMetricFamily("zhiwen_chunks", "Chunks of the live generation.", value=live.chunks if live else 0)
        if len(lives) > 1:
            yield from _of_each(lives)


def _of_each(lives: Mapping[str, Commit | None]) -> Iterator[Metric]:
    """Yield the gauges of each knowledge base, given its live generation."""
    figures = (
        ("generation", "The live generation of a knowledge base.", attrgetter("generation")),
        ("documents", "Documents of the live generation of a knowledge base.", attrgetter("documents")),
        ("chunks", "Chunks of the live generation of a knowledge base.", attrgetter("chunks")),
    )
    for name, documentation, figure in figures:
        family = GaugeMetricFamily(f"zhiwen_knowledge_base_{name}", documentation, labels=["knowledge_base"])
        for knowledge_base, live in lives.items():
            family.add_metric([knowledge_base], figure(live) if live else 0)
        yield family


class LoadCollector(Collector):
    """Gauges of the questions that run and queue at the moment of a scrape."""

    def __init__(self, limit: ConcurrencyLimit) -> None:
        self._limit = limit

    def describe(self) -> list[Metric]:
        """Empty, like that of `StoreCollector`."""
        return []

    def collect(self) -> Iterator[Metric]:
        """How many questions are being answered, and how many wait in the queue."""
        yield GaugeMetricFamily("zhiwen_answers_under_way", "Questions being answered.", value=self._limit.running)
        yield GaugeMetricFamily("zhiwen_answers_waiting", "Questions in the queue.", value=self._limit.queued)


class RerankCollector(Collector):
    """Counts the calls of the reranker by outcome."""

    def __init__(self, calls: Mapping[str, int]) -> None:
        self._calls = calls

    def describe(self) -> list[Metric]:
        """Empty, like that of `StoreCollector`."""
        return []

    def collect(self) -> Iterator[Metric]:
        """`zhiwen_reranks_total`: `reranked`, or the code of the error that left the hits as they were found."""
        family = CounterMetricFamily("zhiwen_reranks", "Calls of the reranker by outcome.", labels=["outcome"])
        for outcome, count in dict(self._calls).items():
            family.add_metric([outcome], count)
        yield family
