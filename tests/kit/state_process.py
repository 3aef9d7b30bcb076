"""The state database from a process of its own: `python -m tests.kit.state_process HOW URL [NAME]`.

- `write URL NAME` adds the traces NAME-0 … and as many ratings, after a line of standard input.
- `rate URL NAME` adds ratings without end, and prints the number of each when it is on the disk.
- `deny URL` writes, makes file and folder read-only, tries to write, and prints what that gives; then it allows writing
  again and writes.
"""

import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

from rag.database_url import sqlite_file
from rag.errors import FeedbackError
from rag.settings import TraceSettings
from rag.state import database as database_module
from rag.state.database import StateDatabase
from rag.state.feedback import FeedbackLog
from rag.state.traces import TraceStore
from tests.kit.traces import rating, trace

WRITES = 20
NO_FILE = Path("no-such-file")


def main(how: str, url: str, name: str = "") -> None:
    database = StateDatabase(url)
    log = FeedbackLog(database, NO_FILE)
    if how == "write":
        store = TraceStore(TraceSettings(), database)
        sys.stdin.readline()
        for number in range(WRITES):
            store.add(trace(f"{name}-{number}"))
            log.append(rating(f"{name}-{number}"))
        store.close()
    elif how == "rate":
        for number in count():
            log.append(replace(rating(f"{name}-{number}"), comment="长" * 2000))
            print(number, flush=True)
    elif how == "deny":
        _deny(log, sqlite_file(url))


def _deny(log: FeedbackLog, file: Path) -> None:
    log.append(rating("before"))
    file.chmod(0o400)
    file.parent.chmod(0o500)
    try:
        log.append(rating("meanwhile"))
    except FeedbackError as error:
        print(error)
    finally:
        file.parent.chmod(0o700)
    time.sleep(database_module.RETRY_SECONDS)
    log.append(rating("after"))


if __name__ == "__main__":
    main(*sys.argv[1:])
