"""Feedback in the file of an earlier version, and the place of the database."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from rag.errors import FeedbackError
from rag.settings import Settings, StateSettings, StoreSettings
from rag.state.database import StateDatabase
from rag.state.feedback import Feedback, FeedbackLog
from tests.kit.traces import rating


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    return tmp_path / "feedback.jsonl"


def lines(*ratings: Feedback) -> str:
    return "".join(f"{json.dumps(asdict(one), ensure_ascii=False)}\n" for one in ratings)


def test_feedback_of_an_earlier_version_is_taken_over_once_and_counts_as_earlier(
    feedback: FeedbackLog, old_file: Path
) -> None:
    new = rating("a", rating="down", at="2026-06-01T00:00:00+00:00")
    old = [
        rating("a", comment="好"),
        rating("b", comment="旧"),
        rating("b", comment="新", at="2026-02-01T00:00:00+00:00"),
    ]
    feedback.append(new)
    old_file.write_text(lines(*old), "utf-8")
    assert feedback.read() == [old[2], new]
    assert not old_file.exists()
    assert old_file.with_name("feedback.jsonl.imported").read_text("utf-8") == lines(*old)
    old_file.write_text(lines(*old), "utf-8")  # as if it had not been renamed
    assert feedback.read() == [old[2], new]


def test_a_line_that_broke_off_does_not_count_and_one_that_is_wrong_is_named(
    feedback: FeedbackLog, old_file: Path
) -> None:
    old_file.write_text("no json\n")
    with pytest.raises(FeedbackError, match="line 1"):
        feedback.read()
    assert old_file.exists()
    old_file.write_text(lines(rating("a")) + '{"at": "2026')
    assert feedback.read() == [rating("a")]


@pytest.mark.parametrize(
    ("index", "url", "location"),
    [
        ("/srv/kb/milvus.db", "", "/srv/kb/state.db"),
        (".zhiwen/milvus.db", "", ".zhiwen/state.db"),
        ("http://milvus:19530", "", ".zhiwen/state.db"),
        ("/srv/kb/milvus.db", "sqlite:///other.db", "other.db"),
        (
            "/srv/kb/milvus.db",
            "postgresql://me:secret@db/zhiwen",  # pragma: allowlist secret
            "postgresql://me:***@db/zhiwen",
        ),
    ],
)
def test_the_database_is_beside_the_index_unless_a_url_says_where(index: str, url: str, location: str) -> None:
    settings = Settings(store=StoreSettings(uri=index), state=StateSettings(url=url))
    assert StateDatabase.of(settings).location == location
