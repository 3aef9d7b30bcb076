"""The benchmark of an index on a server writes it, searches it, and sees what the server takes."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.milvus_server import MilvusServer
from bench.server_scale import measure_size

if TYPE_CHECKING:
    from tests.kit.milvus_process import MilvusProcess


@pytest.mark.timeout(1800)  # the machine may be busy
def test_chunks_on_a_server_are_written_indexed_and_searched(
    milvus_server: "MilvusProcess", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.server_scale._STAGED_TOGETHER", 32)  # more than one batch
    monkeypatch.setattr("bench.server_scale._QUESTIONS", 5)
    (tmp_path / "data").write_bytes(bytes(3 * 1024**2))
    server = MilvusServer(milvus_server.uri, milvus_server.pid, tmp_path)
    figures = measure_size(70, server, collection="scale_bench")
    assert (figures["chunks"], figures["disk_mb"]) == (70, 3)
    assert figures["chunks_per_second"] > 0
    assert figures["peak_mb"] > 50
    assert figures["search_in_known_generation_milliseconds"]["p50"] > 0
    assert figures["search_milliseconds"]["p50"] > 0
