"""The threads of a pipeline hand over their results in order, and end when they are no longer needed."""

import threading

import pytest

from ingest.staging.stage_thread import Inbox, StageThread
from rag.errors import IngestStopped
from tests.kit.waiting import eventually


def handle_all(inbox: Inbox, *stages: StageThread) -> None:
    while any(stage.jobs for stage in stages):
        inbox.handle_next(timeout_seconds=20)


def test_results_are_handled_in_order_and_in_the_thread_of_the_inbox() -> None:
    inbox = Inbox()
    seen: list[tuple[int, str]] = []
    with StageThread("squaring", inbox) as stage:
        for number in range(50):
            stage.submit(
                lambda number=number: (number * number, threading.current_thread().name),  # type: ignore[misc]
                then=lambda result: seen.append((result[0], threading.current_thread().name)),
            )
        handle_all(inbox, stage)
    assert seen == [(number * number, threading.current_thread().name) for number in range(50)]


def test_an_error_of_a_job_is_raised_where_results_are_handled_after_those_before_it() -> None:
    inbox = Inbox()
    seen: list[int] = []

    def fail() -> int:
        raise ZeroDivisionError

    with StageThread("failing", inbox) as stage:
        for job in (lambda: 1, fail, lambda: 3):
            stage.submit(job, then=seen.append)
        with pytest.raises(ZeroDivisionError):
            handle_all(inbox, stage)
    assert seen == [1]


def test_a_job_that_waits_for_something_else_is_interrupted() -> None:
    inbox, released, begun = Inbox(), threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        released.wait(60)

    with StageThread("waiting", inbox, interrupt=released.set) as stage:
        stage.submit(wait, then=lambda result: None)
        assert begun.wait(20)
    assert not [thread for thread in threading.enumerate() if thread.name == "ingest-waiting"]


def test_a_job_that_asks_finds_out_that_it_is_no_longer_wanted() -> None:
    inbox, begun = Inbox(), threading.Event()
    ended: list[str] = []

    def work() -> None:
        begun.set()
        try:
            while True:
                stage.check_running()
        except IngestStopped as error:
            ended.append(str(error))
            raise

    with StageThread("working", inbox) as stage:
        stage.submit(work, then=lambda result: None)
        assert begun.wait(20)
    eventually(lambda: ended)


def test_a_job_that_goes_on_regardless_is_not_waited_for() -> None:
    inbox, released, begun = Inbox(), threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        released.wait(60)

    with StageThread("stubborn", inbox) as stage:
        stage.submit(wait, then=lambda result: None)
        assert begun.wait(20)
    assert not released.is_set()
    released.set()


def test_a_stage_without_jobs_starts_no_thread() -> None:
    with StageThread("idle", Inbox()):
        assert not [thread for thread in threading.enumerate() if thread.name == "ingest-idle"]


def test_waiting_for_a_result_ends_in_time() -> None:
    Inbox().handle_next(timeout_seconds=0.01)
