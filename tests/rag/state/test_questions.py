"""Questions without an answer in the state database: only if asked for, for a while, and by key."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.settings import TraceSettings
from rag.state.database import StateDatabase
from rag.state.questions import KeptQuestion, Problem, QuestionLog

KEEPING = TraceSettings(keep_questions=True)


def kept(name: str, *, by: str = "", at: float | None = None, problem: Problem = "refused") -> KeptQuestion:
    return KeptQuestion(name, problem, time.time() if at is None else at, by, f"问\0{name}？")


def written(database: StateDatabase, *questions: KeptQuestion, settings: TraceSettings = KEEPING) -> QuestionLog:
    log = QuestionLog(settings, database)
    for question in questions:
        log.add(question)
    log.close()
    return QuestionLog(KEEPING, database)


def names(log: QuestionLog, asked_by: str | None = None) -> list[str]:
    return [question.trace_id for question in log.read(asked_by=asked_by)]


@pytest.fixture
def url_of_a_file(tmp_path: Path) -> Iterator[str]:
    yield f"sqlite:///{tmp_path / 'state.db'}"


def test_questions_are_read_newest_first_and_of_one_key_alone(database: StateDatabase) -> None:
    now = time.time()
    log = written(database, kept("a", by="x", at=now - 2), kept("b", by="y", at=now - 1), kept("c", by="x", at=now))
    assert names(log) == ["c", "b", "a"]
    assert names(log, "x") == ["c", "a"]
    assert names(log, "") == []
    assert [question.trace_id for question in log.read(since=now - 1.5)] == ["c", "b"]
    assert log.read()[0].question == "问\ufffdc？"


def test_questions_are_read_by_the_knowledge_bases_that_were_asked(database: StateDatabase) -> None:
    both = replace(kept("both"), knowledge_bases=("hand", "handbook"))
    log = written(database, kept("default"), both)
    found = {name: [each.trace_id for each in log.read(knowledge_base=name)] for name in ("default", "hand", "book")}
    assert found == {"default": ["default"], "hand": ["both"], "book": []}
    assert log.read(knowledge_base="handbook")[0].knowledge_bases == ("hand", "handbook")


def test_nothing_is_kept_unless_the_settings_say_so(url_of_a_file: str, tmp_path: Path) -> None:
    database = StateDatabase(url_of_a_file)
    log = written(database, kept("a"), settings=TraceSettings())
    assert not (tmp_path / "state.db").exists()
    assert names(log) == []
    assert QuestionLog(TraceSettings(), database).read() == []


def test_switching_it_off_deletes_what_was_kept(database: StateDatabase) -> None:
    assert names(written(database, kept("a"))) == ["a"]
    off = QuestionLog(TraceSettings(), database)
    off.forget_if_disabled()
    off.forget_if_disabled()
    off.close()
    assert names(QuestionLog(KEEPING, database)) == []


def test_a_server_that_keeps_questions_forgets_none(database: StateDatabase) -> None:
    log = written(database, kept("a"))
    log.forget_if_disabled()
    log.close()
    assert names(QuestionLog(KEEPING, database)) == ["a"]


def test_old_questions_are_not_read_and_are_deleted(database: StateDatabase) -> None:
    old = kept("old", at=time.time() - 100 * 86_400)
    patient = TraceSettings(keep_questions=True, question_days=365)
    assert names(written(database, old, settings=patient)) == []
    written(database, kept("new"))
    assert names(QuestionLog(patient, database)) == ["new"]


def test_the_oldest_go_when_there_are_too_many(database: StateDatabase) -> None:
    few = TraceSettings(keep_questions=True, max_questions=3)
    now = time.time()
    for number in range(5):
        written(database, kept(f"{number}", at=now - 10 + number), settings=few)
    assert names(QuestionLog(KEEPING, database)) == ["4", "3", "2"]


def test_a_thumb_down_that_is_taken_back_at_once_is_not_kept(database: StateDatabase) -> None:
    down, other = kept("a", by="x", problem="disliked"), kept("a", by="y", problem="disliked")
    log = QuestionLog(KEEPING, database)
    log.add(down)
    log.remove(down)
    log.add(other)
    log.close()
    assert names(QuestionLog(KEEPING, database), "x") == []
    assert names(QuestionLog(KEEPING, database), "y") == ["a"]
