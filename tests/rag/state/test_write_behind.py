"""Traces wait for a database that is away; answers do not."""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from rag.errors import StateUnavailable
from rag.state.write_behind import MAX_WAITING, WriteBehind
from tests.kit.waiting import eventually

pytestmark = pytest.mark.usefixtures("impatient")


@dataclass
class Disk:
    """Takes records while it is there, and waits in the middle of a write until it may go on."""

    is_there: bool = True
    may_go_on: threading.Event = field(default_factory=threading.Event)
    written: list[str] = field(default_factory=list)
    tries: int = 0

    def write(self, records: Sequence[str]) -> None:
        self.may_go_on.wait()
        self.tries += 1
        if not self.is_there:
            raise StateUnavailable("the disk is away")
        self.written += records


@pytest.fixture
def disk() -> Disk:
    disk = Disk()
    disk.may_go_on.set()
    return disk


@pytest.fixture
def writer(disk: Disk, caplog: pytest.LogCaptureFixture) -> Iterator[WriteBehind[str]]:
    caplog.set_level(logging.INFO)
    writer = WriteBehind(disk.write, name="records")
    yield writer
    disk.may_go_on.set()
    writer.close()


def put(writer: WriteBehind[str], *numbers: int) -> None:
    for number in numbers:
        writer.put(f"key {number}", f"record {number}")


def test_nobody_waits_for_a_write_and_what_waits_is_found(disk: Disk, writer: WriteBehind[str]) -> None:
    disk.may_go_on.clear()
    put(writer, 1, 2)
    assert disk.written == []
    assert writer.find("key 2") == "record 2"
    disk.may_go_on.set()
    eventually(lambda: disk.written == ["record 1", "record 2"])
    eventually(lambda: writer.find("key 2") is None)


def test_records_that_come_together_are_written_together(disk: Disk, writer: WriteBehind[str]) -> None:
    put(writer, *range(MAX_WAITING))
    eventually(lambda: len(disk.written) == MAX_WAITING)
    assert disk.tries <= 3


def test_an_outage_is_logged_once_and_its_end_once_and_nothing_is_lost(
    disk: Disk, writer: WriteBehind[str], caplog: pytest.LogCaptureFixture
) -> None:
    disk.is_there = False
    put(writer, 1)
    eventually(lambda: disk.tries > 2)
    put(writer, 2)
    disk.is_there = True
    eventually(lambda: disk.written == ["record 1", "record 2"])
    eventually(lambda: len(caplog.messages) == 2)
    assert caplog.messages == [
        "records are not kept, answers go on: the disk is away",
        "records are kept again; 0 were lost",
    ]


def test_the_oldest_are_lost_when_too_many_wait(
    disk: Disk, writer: WriteBehind[str], caplog: pytest.LogCaptureFixture
) -> None:
    disk.is_there = False
    put(writer, *range(MAX_WAITING + 3))
    assert writer.find("key 2") is None
    assert writer.find("key 3") == "record 3"
    eventually(lambda: disk.tries)
    disk.is_there = True
    eventually(lambda: len(disk.written) == MAX_WAITING)
    eventually(lambda: "3 were lost" in caplog.text)


def test_what_waits_is_written_before_it_closes(disk: Disk) -> None:
    disk.may_go_on.clear()
    writer = WriteBehind(disk.write, name="records")
    put(writer, 1, 2, 3)
    threading.Timer(0, disk.may_go_on.set).start()
    writer.close()
    assert disk.written == ["record 1", "record 2", "record 3"]


def test_closing_in_an_outage_says_what_is_lost(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    disk.is_there = False
    writer = WriteBehind(disk.write, name="records")
    put(writer, 1, 2)
    writer.close()
    assert disk.written == []
    assert caplog.messages[-1] == "2 records could not be kept"


def test_one_that_was_never_used_closes() -> None:
    WriteBehind(lambda records: None, name="records").close()
