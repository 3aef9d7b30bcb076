"""Reads in the background: in another thread if one is free, in the caller's if none is."""

import threading

import pytest

from rag.errors import StoreError
from rag.store.background import BackgroundReads


def test_a_read_runs_in_another_thread_while_its_caller_goes_on() -> None:
    reads, may_end = BackgroundReads(), threading.Event()

    def read() -> str:
        assert may_end.wait(60)
        return threading.current_thread().name

    pending = reads.start(read)
    may_end.set()  # it would wait for ever if the caller had to run it first
    assert pending.result() != threading.current_thread().name
    reads.close()


def test_the_error_of_a_read_is_raised_where_its_result_is_wanted() -> None:
    reads = BackgroundReads()

    def read() -> None:
        raise StoreError("gone")

    pending = reads.start(read)
    with pytest.raises(StoreError, match="gone"):
        pending.result()
    reads.close()


def test_a_caller_never_waits_for_the_reads_of_others() -> None:
    reads, may_end = BackgroundReads(), threading.Event()
    others = [reads.start(lambda: may_end.wait(60)) for _ in range(100)]
    assert reads.start(threading.current_thread).result() is threading.current_thread()
    may_end.set()
    assert all(other.result() for other in others)
    reads.close()


def test_a_read_that_nobody_began_runs_once() -> None:
    reads, may_end = BackgroundReads(), threading.Event()
    others = [reads.start(lambda: may_end.wait(60)) for _ in range(100)]
    calls: list[str] = []
    pending = reads.start(lambda: calls.append("read"))
    assert [pending.result(), pending.result()] == [None, None]
    assert calls == ["read"]
    may_end.set()
    assert all(other.result() for other in others)
    reads.close()


def test_closing_waits_for_reads_that_have_begun_and_drops_the_others() -> None:
    reads, has_begun, may_end = BackgroundReads(), threading.Event(), threading.Event()
    others = set(threading.enumerate())  # of stores that other tests left open
    ended: list[str] = []

    def read() -> None:
        has_begun.set()
        assert may_end.wait(60)
        ended.append("read")

    reads.start(read)
    assert has_begun.wait(60)
    closing = threading.Thread(target=reads.close)
    closing.start()
    may_end.set()
    closing.join(60)
    assert not closing.is_alive()
    assert ended == ["read"]
    assert not any(thread.name.startswith("zhiwen-read") for thread in set(threading.enumerate()) - others)
