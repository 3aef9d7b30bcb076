"""What the state database promises, on SQLite and on PostgreSQL alike."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, Table, Text, create_engine, inspect, make_url
from sqlalchemy import text as sql

from rag.database_url import SQLITE
from rag.errors import FeedbackError, StateUnavailable
from rag.settings import TraceSettings
from rag.state.database import StateDatabase
from rag.state.feedback import FeedbackLog
from rag.state.schema import METADATA, VERSION, migrate
from rag.state.traces import TraceStore
from tests.kit.paths import ROOT
from tests.kit.state_process import WRITES
from tests.kit.traces import rating, trace, trace_id
from tests.kit.waiting import eventually


def start(how: str, url: str, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.kit.state_process", how, url, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def keep(store: TraceStore, *names: str) -> None:
    for name in names:
        store.add(trace(name))
    store.close()


def count(database: StateDatabase, table: str) -> int:
    with database.reading() as transaction:
        return int(transaction.execute(f"SELECT count(*) AS rows FROM {table}")[0]["rows"])  # noqa: S608


# Traces


def test_a_trace_is_found_by_another_process_and_by_its_own_before_it_is_written(url: str) -> None:
    mine, theirs = (TraceStore(TraceSettings(), StateDatabase(url)) for _ in range(2))
    original = trace("one", question="问\0？\n'; DROP TABLE traces")
    mine.add(original)
    assert mine.get(original.trace_id) == original
    mine.close()
    assert theirs.get(original.trace_id) == original
    assert theirs.get(trace_id("another")) is None


def test_the_oldest_go_when_there_are_too_many(database: StateDatabase) -> None:
    now = datetime.now(UTC)
    keep(TraceStore(TraceSettings(), database), "earliest")
    filling = TraceStore(TraceSettings(max_count=10), database)
    for number in range(30):
        filling.add(trace(f"{number}", asked_at=now - timedelta(minutes=30 - number)))
    filling.close()
    again = TraceStore(TraceSettings(max_count=10), database)
    keep(again, "latest")
    assert count(database, "traces") == 10
    assert again.get(trace_id("latest"))
    assert again.get(trace_id("29"))
    assert again.get(trace_id("20")) is None


def test_a_trace_that_is_too_old_is_not_shown_and_is_removed(database: StateDatabase) -> None:
    store = TraceStore(TraceSettings(max_age_days=7), database)
    keep(store, "new")
    patient = TraceStore(TraceSettings(max_age_days=100), database)
    patient.add(trace("old", asked_at=datetime.now(UTC) - timedelta(days=8)))
    patient.close()
    assert patient.get(trace_id("old"))
    assert store.get(trace_id("old")) is None
    keep(TraceStore(TraceSettings(max_age_days=7), database), "newer")
    assert patient.get(trace_id("old")) is None


def test_a_trace_that_is_written_twice_is_there_once(database: StateDatabase) -> None:
    """As after a commit whose confirmation was lost."""
    for _ in range(2):
        keep(TraceStore(TraceSettings(), database), "one")
    assert count(database, "traces") == 1


# Feedback


def test_the_last_rating_of_an_answer_counts(feedback: FeedbackLog) -> None:
    assert feedback.read() == []
    for one in (rating("a"), rating("b"), rating("a", rating="down", comment="不对\n第二行")):
        feedback.append(one)
    assert feedback.read() == [rating("b"), rating("a", rating="down", comment="不对\n第二行")]


def test_a_key_replaces_its_own_rating_and_no_other_and_adds_no_rows(
    feedback: FeedbackLog, database: StateDatabase
) -> None:
    for number in range(20):
        feedback.append(rating("a", comment=f"{number}", given_by="noisy"))
        feedback.append(rating("a", rating="down", given_by="quiet"))
    assert count(database, "feedback") == 2
    kept = {one.given_by: one.comment for one in feedback.read()}
    assert kept == {"noisy": "19", "quiet": ""}


def test_only_the_last_ratings_are_kept(database: StateDatabase, tmp_path: Path) -> None:
    log = FeedbackLog(database, tmp_path / "none.jsonl", most=5)
    for number in range(12):
        log.append(rating(f"{number}"))
        log.append(rating("often"))  # replaced, so that it takes the place of one
    assert count(database, "feedback") == 5
    assert {one.trace_id for one in log.read()} == {trace_id(name) for name in ("8", "9", "10", "11", "often")}


def test_ratings_from_many_threads_are_whole(feedback: FeedbackLog) -> None:
    ratings = [rating(f"{number}", comment="长" * 2000, generation=2**63 - 1) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(feedback.append, ratings))
    assert sorted(feedback.read(), key=repr) == sorted(ratings, key=repr)


def test_a_character_that_postgresql_cannot_hold_is_replaced(feedback: FeedbackLog) -> None:
    feedback.append(rating("a", comment="a\0b"))
    assert feedback.read() == [rating("a", comment="a\ufffdb")]


# Several processes


def test_processes_that_start_on_an_empty_database_write_everything(url: str, feedback: FeedbackLog) -> None:
    names = [f"process{number}" for number in range(4)]
    processes = [start("write", url, name) for name in names]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda process: process.communicate("go\n", timeout=120), processes))
    assert outcomes == [("", "")] * 4
    expected = {trace_id(f"{name}-{number}") for name in names for number in range(WRITES)}
    assert {one.trace_id for one in feedback.read()} == expected
    store = TraceStore(TraceSettings(), StateDatabase(url))
    assert all(store.get(one) for one in expected)


def test_what_was_acknowledged_survives_kill_9_in_a_write(url: str, feedback: FeedbackLog) -> None:
    for round_number in range(3):
        process = start("rate", url, f"round{round_number}")
        assert process.stdout
        written = [int(process.stdout.readline()) for _ in range(10)]
        process.kill()
        rest, _ = process.communicate()
        written += [int(line) for line in rest.splitlines()]
        kept = {one.trace_id for one in feedback.read()}
        assert {trace_id(f"round{round_number}-{number}") for number in written} <= kept
    feedback.append(rating("after"))
    assert rating("after") in feedback.read()


# Versions


def test_a_database_of_a_newer_version_is_refused_by_name_and_not_touched(
    url: str, database: StateDatabase, feedback: FeedbackLog
) -> None:
    feedback.append(rating("before"))
    with database.writing() as transaction:
        transaction.execute("UPDATE schema_version SET version = 99")
        transaction.execute("DROP TABLE traces")
    message = rf"a newer zhiwen has written it \(version 99, this one knows {VERSION}\); upgrade"
    with pytest.raises(FeedbackError, match=message):
        feedback.append(rating("after"))
    engine = create_engine(url)
    with engine.connect() as connection:
        assert {*inspect(connection).get_table_names()} == METADATA.tables.keys() - {"traces"}
        assert connection.execute(sql("SELECT count(*) FROM feedback")).scalar_one() == 1
    engine.dispose()


def test_a_database_of_an_earlier_version_gets_the_new_tables_and_columns_once(
    url: str, database: StateDatabase, feedback: FeedbackLog
) -> None:
    feedback.append(rating("before"))
    later = MetaData()
    for table in METADATA.tables.values():
        table.to_metadata(later)
    Table("audit", later, Column("line", Text, nullable=False))
    steps = {VERSION + 1: ("ALTER TABLE feedback ADD COLUMN reviewer TEXT NOT NULL DEFAULT ''",)}
    engine = create_engine(url)
    for _ in range(2):
        with engine.connect() as connection:
            migrate(connection, later, VERSION + 1, steps)
            assert inspect(connection).has_table("audit")
            assert connection.execute(sql("SELECT trace_id, reviewer FROM feedback")).all() == [
                (trace_id("before"), "")
            ]
            assert connection.execute(sql("SELECT version FROM schema_version")).all() == [(VERSION + 1,)]
    engine.dispose()
    with pytest.raises(StateUnavailable, match="upgrade"):
        database.check()


def test_ratings_of_the_first_version_have_no_key(url: str, feedback: FeedbackLog) -> None:
    feedback.append(rating("before"))
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(sql("ALTER TABLE feedback DROP COLUMN given_by"))
        connection.execute(sql("UPDATE schema_version SET version = 1"))
        connection.commit()
    engine.dispose()
    assert feedback.read() == [rating("before")]
    feedback.append(rating("before", rating="down", given_by="reader"))
    assert [one.given_by for one in feedback.read()] == ["", "reader"]


# Outages


@pytest.mark.usefixtures("impatient")
def test_a_database_that_somebody_has_locked_is_an_error_in_time_and_works_again_afterwards(
    url: str, feedback: FeedbackLog
) -> None:
    feedback.append(rating("before"))
    engine = create_engine(url)
    with engine.connect() as connection:
        is_file = url.startswith(SQLITE)
        connection.exec_driver_sql("BEGIN EXCLUSIVE" if is_file else "LOCK TABLE feedback IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(FeedbackError, match=r"locked|statement timeout"):
            feedback.append(rating("meanwhile"))
        connection.rollback()
    engine.dispose()
    eventually(lambda: succeeds(feedback), message="the database to be used again")
    assert rating("after") in feedback.read()


def succeeds(feedback: FeedbackLog) -> bool:
    try:
        feedback.append(rating("after"))
    except FeedbackError:
        return False
    return True


def test_for_a_while_after_a_failure_nobody_waits_for_the_database(url: str, tmp_path: Path) -> None:
    """It works again at once, but it is not tried."""
    if url.startswith(SQLITE):
        broken = SQLITE + str(tmp_path / "new")
        (tmp_path / "new").mkdir()
    else:
        broken = str(make_url(url).set(database="absent").render_as_string(hide_password=False))
    database = StateDatabase(broken)
    with pytest.raises(StateUnavailable) as first:
        database.check()
    if url.startswith(SQLITE):
        (tmp_path / "new").rmdir()
    with pytest.raises(StateUnavailable) as second:
        database.check()
    assert str(second.value) == str(first.value)
    assert "\n" not in str(first.value)
    assert second.value.__cause__ is None, "the database was tried"


def test_recent_questions_are_those_of_one_knowledge_base(traces: TraceStore, database: StateDatabase) -> None:
    now = datetime.now(UTC)
    asked: list[tuple[str, dict[str, int]]] = [
        ("of an earlier version", {}),
        ("of the default one", {"default": 1}),
        ('"generations":{"handbook":1}', {"default": 1}),
        ("of the handbook", {"handbook": 2}),
    ]
    for number, (question, generations) in enumerate(asked):
        one = trace(question, question=question, asked_at=now - timedelta(seconds=number))
        traces.add(replace(one, answer=replace(one.answer, reason=None, generations=generations)))
    eventually(lambda: traces.recent_questions(10, "handbook"))
    assert traces.recent_questions(10, "handbook") == ["of the handbook"]
    assert traces.recent_questions(10) == [question for question, _ in asked[:3]]
    assert traces.recent_questions(10, "products") == []
