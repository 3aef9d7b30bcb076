"""State databases, empty, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.settings import TraceSettings
from rag.state import database as database_module
from rag.state import write_behind
from rag.state.database import StateDatabase
from rag.state.feedback import FeedbackLog
from rag.state.traces import TraceStore


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'state.db'}"
    new: str = request.getfixturevalue("postgres").new_database()
    return new


@pytest.fixture
def database(url: str) -> StateDatabase:
    return StateDatabase(url)


@pytest.fixture
def feedback(database: StateDatabase, tmp_path: Path) -> FeedbackLog:
    return FeedbackLog(database, tmp_path / "feedback.jsonl")


@pytest.fixture
def traces(database: StateDatabase) -> Iterator[TraceStore]:
    store = TraceStore(TraceSettings(), database)
    yield store
    store.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that failed is tried again at once."""
    monkeypatch.setattr(database_module, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(write_behind, "RETRY_SECONDS", 0.05)
