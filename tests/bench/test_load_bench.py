"""The bench of load runs: no client hangs, and every question is either answered or rejected."""

import asyncio
import shutil
from pathlib import Path

from bench.answering import serving
from bench.load import questions_at_once, slow_clients


def test_searches_are_timed_and_every_question_gets_a_response(shipped_index: Path, tmp_path: Path) -> None:
    shutil.copy2(shipped_index, tmp_path)
    # On a busy machine the questions that wait would otherwise be rejected after ten seconds.
    with serving(tmp_path, {"ZHIWEN_SERVE__WAITING_TIMEOUT_SECONDS": "300"}) as service:
        result = asyncio.run(slow_clients(service, searches=10)) | asyncio.run(
            questions_at_once(service, 200, rounds=1)
        )
    assert result["responses_by_status"] == {"200": 128, "429": 72}
    assert result["search_milliseconds_beside_them"]
