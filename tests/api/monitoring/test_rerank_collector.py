"""The calls of the reranker, counted by outcome."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from api.monitoring.gauges import RerankCollector
from rag.errors import RerankerError
from rag.models.rerankers.http import HTTPReranker
from rag.models.rerankers.time_limit import TimeLimitedReranker
from tests.kit.openai_scripts import ranking, reply
from tests.kit.openai_server import openai_server


def test_a_reranker_that_fails_is_in_the_metrics() -> None:
    with openai_server(ranking((0, 0.5)), reply(500)) as server:
        endpoint = HTTPReranker(base_url=server.base_url, api_key="", model="m", timeout_seconds=30)
        reranker = TimeLimitedReranker(endpoint, timeout_seconds=30)
        registry = CollectorRegistry()
        registry.register(RerankCollector(reranker.calls))
        reranker.scores("a", ["b"])
        with pytest.raises(RerankerError):
            reranker.scores("a", ["b"])
    lines = generate_latest(registry).decode().splitlines()
    assert 'zhiwen_reranks_total{outcome="reranked"} 1.0' in lines
    assert 'zhiwen_reranks_total{outcome="reranker_error"} 1.0' in lines
