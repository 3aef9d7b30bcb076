"""The bench of answering runs, and every stream comes to its end."""

import asyncio
from pathlib import Path

from bench.answering import concurrency, overhead, serving

QUESTIONS = ["向量数据库的知名组件", "代码大模型有哪些？"]


def test_every_stream_is_complete_and_the_overhead_is_what_the_service_adds(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        alone = asyncio.run(overhead(service, QUESTIONS, 4))
        together = asyncio.run(concurrency(service, QUESTIONS, streams=10, rounds=1))
    assert together["complete"] == "10 of 10"
    # No limit for busy machines: the figure itself stands in bench/results.
    assert isinstance(alone["median_overhead_milliseconds"], float)
    assert 0 < alone["median_overhead_milliseconds"] < 1000
