"""The bench of load runs: no client hangs, and every question is either answered or rejected."""

import asyncio
from pathlib import Path

from bench.answering import serving
from bench.load import questions_at_once, slow_clients


def test_searches_are_timed_and_every_question_gets_a_response(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        result = asyncio.run(slow_clients(service)) | asyncio.run(questions_at_once(service, 200, rounds=1))
    assert result["responses_by_status"] == {"200": 128, "429": 72}
    assert result["search_milliseconds_beside_them"]
