"""Store a trace of each answer, one JSON file each, limited in number and age.

A trace records how an answer came about: question, search, passages, prompt, checks and timings. It holds no API key,
no token and no header, because none of them reaches this module.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rag.chat.protocol import Message
from rag.checks.verification import CheckedStatement
from rag.retrieval.explanation import Explanation
from rag.settings import TraceSettings
from rag.types import Answer, Passage, RewrittenBy

log = logging.getLogger("zhiwen.traces")

_ID = re.compile(r"[0-9a-f]{32}")
_SUFFIX = ".json"
_PRUNE_EVERY = 50
"""Old traces are deleted once in this many answers; in between, there may be this many too many."""
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that broke an answer off."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Trace:
    """The record of one answer.

    `asked_at` is UTC. `passages` are all that were found, `dropped_passages` the numbers of those that did not fit into
    the prompt. `prompt` is empty if no model was asked. `milliseconds` are by stage. If there is a `failure`, the
    `answer` is only the text that was streamed before it.
    """

    trace_id: str
    asked_at: datetime
    question: str
    standalone_question: str | None
    rewritten_by: RewrittenBy | None
    retrieval: Explanation
    passages: tuple[Passage, ...]
    dropped_passages: tuple[int, ...]
    prompt: tuple[Message, ...]
    verification: tuple[CheckedStatement, ...]
    answer: Answer
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    failure: Failure | None = None


class TraceStore:
    """Keeps traces in a folder, or keeps none if there are no settings or they switch it off.

    Safe to use from several threads.
    """

    def __init__(self, settings: TraceSettings | None) -> None:
        self._settings = settings if settings and settings.enabled else None
        self._added = 0
        self._observers: list[Callable[[Trace], object]] = []
        self._search_observers: list[Callable[[Mapping[str, float]], object]] = []

    @property
    def enabled(self) -> bool:
        """Whether traces are kept."""
        return self._settings is not None

    def observe(self, observer: Callable[[Trace], object]) -> None:
        """Call `observer` with each trace, even if none is kept. The call may come from any thread."""
        self._observers.append(observer)

    def observe_searches(self, observer: Callable[[Mapping[str, float]], object]) -> None:
        """Call `observer` with the seconds by stage of each search that is not part of an answer.

        The call may come from any thread.
        """
        self._search_observers.append(observer)

    def record_search(self, seconds: Mapping[str, float]) -> None:
        """Tell the observers how long a search took, in seconds by stage. No trace of a search is kept."""
        for observer in self._search_observers:
            observer(seconds)

    def add(self, trace: Trace) -> None:
        """Call the observers with the trace, and keep it. If it cannot be written, log a warning; nothing is raised."""
        for observer in self._observers:
            observer(trace)
        if self._settings is None:
            return
        folder = self._settings.path
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(folder / f"{trace.trace_id}{_SUFFIX}", _adapter().dump_json(trace))
            self._added += 1
            if self._added % _PRUNE_EVERY == 1:
                self._prune(self._settings)
        except OSError as error:
            log.warning("cannot write the trace of an answer to %s (traces.path): %s", folder, error)

    def get(self, trace_id: str) -> Trace | None:
        """Return the trace, or None if the id is unknown, or the trace is too old or from an incompatible version."""
        if self._settings is None or not _ID.fullmatch(trace_id):
            return None
        file = self._settings.path / f"{trace_id}{_SUFFIX}"
        try:
            if _age_seconds(file) > self._settings.max_age_days * _DAY_SECONDS:
                return None
            return _adapter().validate_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning("%s cannot be read: %s", file, str(error).splitlines()[0])
            return None

    def _prune(self, settings: TraceSettings) -> None:
        files = sorted(settings.path.glob(f"*{_SUFFIX}"), key=_age_seconds)
        for number, file in enumerate(files):
            if number >= settings.max_count or _age_seconds(file) > settings.max_age_days * _DAY_SECONDS:
                file.unlink(missing_ok=True)


@cache
def _adapter() -> TypeAdapter[Trace]:
    return TypeAdapter(Trace)


def _write(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read, and that is never visible half-written."""
    part = file.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(content)
    part.replace(file)


def _age_seconds(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")  # another process has deleted it
