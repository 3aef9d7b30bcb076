"""Points on the write path where a test can kill the process: `ZHIWEN_FAILPOINT=<name>` or `<name>:<nth time>`."""

import os
import signal
from collections import Counter
from typing import Literal

FailPoint = Literal[
    "fetched",
    "recovered",
    "planned",
    "parsed",
    "embedded",
    "namespace_created",
    "import_started",
    "chunks_inserted",
    "tombstones_written",
    "chunks_tombstoned",
    "documents_put",
    "documents_moved",
    "documents_removed",
    "resumed_discarded",
    "terms_written",
    "gated",
    "committed",
    "garbage_collected",
]

_VARIABLE = "ZHIWEN_FAILPOINT"
_reached: Counter[str] = Counter()


def reach_failpoint(name: FailPoint) -> None:
    """Kill the process as `kill -9` does if the environment names this point; otherwise do nothing."""
    wanted = os.environ.get(_VARIABLE)
    if not wanted:
        return
    point, _, nth = wanted.partition(":")
    if point == name:
        _reached[name] += 1
        if _reached[name] >= int(nth or 1):
            os.kill(os.getpid(), signal.SIGKILL)
