"""The benchmark of answering runs, and every stream ends with an answer."""

import asyncio
import shutil
from pathlib import Path

from bench.answering import measure_concurrency, measure_overhead, serving

QUESTIONS = ["向量数据库的知名组件", "代码大模型有哪些？"]


def test_every_stream_is_complete_and_the_overhead_is_positive(shipped_index: Path, tmp_path: Path) -> None:
    shutil.copy2(shipped_index, tmp_path)
    with serving(tmp_path) as service:
        alone = asyncio.run(measure_overhead(service, QUESTIONS, 4))
        together = asyncio.run(measure_concurrency(service, QUESTIONS, streams=10, rounds=1))
    assert together["complete"] == "10 of 10"
    # The bound is loose because a machine may be busy; the figure itself is in bench/results.
    assert isinstance(alone["median_overhead_milliseconds"], float)
    assert 0 < alone["median_overhead_milliseconds"] < 1000
