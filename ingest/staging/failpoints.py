"""Places on the write path at which a test can kill the process: `ZHIWEN_FAILPOINT=<name>` or `<name>:<nth time>`."""

import os
import signal
from collections import Counter
from typing import Literal

FailPoint = Literal[
    "repaired",
    "planned",
    "parsed",
    "embedded",
    "space_created",
    "chunks_added",
    "deaths_written",
    "chunks_retired",
    "documents_put",
    "documents_removed",
    "terms_written",
    "gated",
    "committed",
    "garbage_collected",
]

_VARIABLE = "ZHIWEN_FAILPOINT"
_reached: Counter[str] = Counter()


def reach_failpoint(name: FailPoint) -> None:
    """Does nothing, unless the environment names this point: then the process dies as by kill -9."""
    wanted = os.environ.get(_VARIABLE)
    if not wanted:
        return
    point, _, nth = wanted.partition(":")
    if point == name:
        _reached[name] += 1
        if _reached[name] >= int(nth or 1):
            os.kill(os.getpid(), signal.SIGKILL)
