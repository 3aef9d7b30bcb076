"""Bulk import against a scripted server: waiting, failing, and how much is under way. The real one is next door."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pyarrow.parquet as pq
import pytest

from rag.errors import StoreError
from rag.store import bulk_import
from rag.store.bulk_import import BulkImport
from rag.store.collection_spec import CollectionSpec, Field, Row
from rag.store.import_folder import LocalFolder
from rag.store.milvus.client import Milvus
from rag.store.milvus.import_jobs import ImportJob

SPEC = CollectionSpec((Field("row_id", "text", 64), Field("born", "integer"), Field("metadata", "json")), dimension=2)


@dataclass
class ScriptedServer:
    """Reads each file when its job is looked at, if it `moves`, or says why it does not."""

    moves: bool = True
    failure: str = ""
    rows: list[Row] = field(default_factory=list)
    running: dict[int, str] = field(default_factory=dict)
    most_running: int = 0
    uri: str = "http://milvus:19530"

    @property
    def import_jobs(self) -> "ScriptedServer":
        return self

    def start(self, collection: str, file: str) -> int:
        number = len(self.rows) + len(self.running) + 1
        self.running[number] = file
        self.most_running = max(self.most_running, len(self.running))
        return number

    def look_at(self, number: int) -> ImportJob:
        if self.moves and number in self.running:
            self.rows += pq.read_table(self.running.pop(number)).to_pylist()
        return ImportJob(number, "Started, 50 %", number not in self.running, self.failure)

    def is_indexed(self, collection: str) -> bool:
        return True

    def refresh(self, collection: str) -> None:
        pass

    def count(self, collection: str, expression: str) -> int:
        return len(self.rows)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_import, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(bulk_import, "_BYTES_OF_A_FILE", 1)


def importing(server: ScriptedServer, place: Path) -> BulkImport:
    return BulkImport(
        cast(Milvus, server), "c", SPEC, LocalFolder(place), "kb", expression="born == 1", check=lambda: None
    )


def rows(count: int) -> Iterator[Row]:
    for number in range(count):
        yield {"row_id": f"{number}", "born": 1, "metadata": {"标签": [number]}, "vector": [0.6, 0.8]}


def test_the_server_reads_what_was_written_and_no_file_stays(tmp_path: Path) -> None:
    server = ScriptedServer()
    with importing(server, tmp_path) as bulk:
        for row in rows(20):
            bulk.write([row])
        assert list(tmp_path.rglob("*.parquet"))
        bulk.finish()
        assert not list(tmp_path.rglob("*.parquet"))
    assert sorted(row["row_id"] for row in server.rows) == sorted(row["row_id"] for row in rows(20))
    assert {row["metadata"] for row in server.rows} >= {'{"标签": [7]}'}
    assert server.most_running == 4


def test_a_failed_job_is_an_error_with_the_reason_of_milvus_and_its_file_goes(tmp_path: Path) -> None:
    server = ScriptedServer(failure="the schema has no field x")
    with (
        pytest.raises(StoreError, match=r"http://milvus:19530: .* into c \(job 1\): the schema has no field x"),
        importing(server, tmp_path) as bulk,
    ):
        bulk.write(list(rows(1)))
        bulk.finish()
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_job_that_does_not_move_is_an_error_with_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_import, "_STUCK_SECONDS", 0.0)
    with (
        pytest.raises(StoreError, match=r"has not moved for 0 s \(job 1: Started, 50 %\)"),
        importing(ScriptedServer(moves=False), tmp_path) as bulk,
    ):
        bulk.write(list(rows(1)))
        bulk.finish()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "kb").write_text("a file")
    with (
        pytest.raises(StoreError, match=r"/kb/\w+\.parquet cannot be written: .*check store\.bulk_import_url"),
        importing(ScriptedServer(), tmp_path) as bulk,
    ):
        bulk.write(list(rows(1)))
