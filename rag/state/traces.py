"""How an answer came about, kept as one file each, bounded in number and age.

A trace holds what was asked and what was read: questions, passages, the prompt. It holds no key, no token and no
header, for none of them passes through here.
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
"""Answers after which the folder is looked through; so many may be too many for a while."""
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Failure:
    """What broke an answer off: the code of the error, and its message."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Trace:
    """`asked_at` is UTC. `passages` are those that were found, `dropped_passages` the numbers of those that did not fit
    into the prompt; `prompt` is empty where no model was asked. `milliseconds` are by stage. With a `failure` the
    `answer` is none that was given, but what had been written when it broke off."""

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
    """The traces in a folder; without settings, or switched off, none. Safe to use from several threads."""

    def __init__(self, settings: TraceSettings | None) -> None:
        self._settings = settings if settings and settings.enabled else None
        self._added = 0
        self._observers: list[Callable[[Trace], object]] = []
        self._search_observers: list[Callable[[Mapping[str, float]], object]] = []

    @property
    def enabled(self) -> bool:
        return self._settings is not None

    def observe(self, observer: Callable[[Trace], object]) -> None:
        """Show each trace to `observer` as well, also where none is kept. It is called in any thread."""
        self._observers.append(observer)

    def observe_searches(self, observer: Callable[[Mapping[str, float]], object]) -> None:
        """Tell `observer` the seconds by stage of each search that is no part of an answer, in any thread."""
        self._search_observers.append(observer)

    def searched(self, seconds: Mapping[str, float]) -> None:
        """Somebody searched. That is timed as answers are, and no trace of it is kept."""
        for observer in self._search_observers:
            observer(seconds)

    def add(self, trace: Trace) -> None:
        """Keep a trace. One that cannot be written is lost, and the log says so: no answer fails for it."""
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
            log.warning("the trace of an answer could not be kept in %s (traces.path): %s", folder, error)

    def get(self, trace_id: str) -> Trace | None:
        """The trace, or None if it is not known, is too old, or was written by another version."""
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
    # Read by its owner alone, and never half.
    beside = file.with_suffix(".part")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(content)
    beside.replace(file)


def _age_seconds(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")  # another process was quicker
