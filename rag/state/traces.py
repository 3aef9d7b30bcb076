"""Store a trace of each answer in the state database, limited in number and age.

A trace records how an answer came about: question, search, passages, prompt, checks and timings. It holds no API key,
no token and no header, because none of them reaches this module.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache

from pydantic import TypeAdapter, ValidationError

from rag.chat.protocol import Message
from rag.checks.answer_verification import CheckedStatement
from rag.knowledge_base_names import DEFAULT
from rag.retrieval.explanation import Explanation
from rag.settings import TraceSettings
from rag.state.database import StateDatabase
from rag.state.write_behind import WriteBehind
from rag.types import Answer, Passage, RewrittenBy

log = logging.getLogger("zhiwen.traces")

_ID = re.compile(r"[0-9a-f]{32}")
_MAX_CHARACTERS = 4_000_000
"""A larger trace is not kept. Usual ones have 20,000 to 200,000 characters."""
_PRUNE_EVERY = 50
"""Old traces are deleted once in this many writes; in between, the limit may be exceeded."""
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
    `answer` is only the text that was streamed before it. If the caller could not see all documents, `within` has the
    filter for those that it could, by knowledge base.
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
    within: Mapping[str, str] = field(default_factory=dict)

    @property
    def knowledge_bases(self) -> tuple[str, ...]:
        """The names of those that the question was asked of."""
        # Earlier versions noted no generations, when there was only the default knowledge base.
        return tuple(self.answer.generations) or (DEFAULT,)


@dataclass(frozen=True, slots=True)
class _Row:
    trace_id: str
    asked_at: float
    body: str


class TraceStore:
    """Keeps traces in the state database, or keeps none if the settings switch it off.

    Safe to use from several threads. Close it in the end, to write the traces that still wait.
    """

    def __init__(self, settings: TraceSettings, database: StateDatabase) -> None:
        self._settings = settings
        self._database = database
        self._writer = WriteBehind(self._write, name="traces")
        self._batches = 0
        self._observers: list[Callable[[Trace], object]] = []
        self._search_observers: list[Callable[[Mapping[str, float]], object]] = []

    @property
    def enabled(self) -> bool:
        """Whether traces are kept."""
        return self._settings.enabled

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
        """Call the observers with the trace, and keep it; it is written in the background. Raises nothing."""
        for observer in self._observers:
            observer(trace)
        if self.enabled:
            self._writer.put(trace.trace_id, trace)

    def get(self, trace_id: str) -> Trace | None:
        """Return the trace, or None if the id is unknown, or the trace is too old or from an incompatible version.

        Raises StateUnavailable.
        """
        if not self.enabled or not _ID.fullmatch(trace_id):
            return None
        if waiting := self._writer.find(trace_id):
            return waiting if _row(waiting) else None
        body = self._read(trace_id)
        try:
            return _adapter().validate_json(body) if body else None
        except ValidationError as error:
            log.warning("the trace %s cannot be read: %s", trace_id, str(error).splitlines()[0])
            return None

    def recent_questions(self, answers: int, knowledge_base: str = DEFAULT) -> list[str]:
        """Return the questions of the last `answers`, newest first and each once; none if no traces are kept.

        They are those that this knowledge base answered, alone or before others. Refusals are left out. A follow-up
        comes as the question that it was rewritten to. Raises StateUnavailable.
        """
        if not self.enabled:
            return []
        with self._database.reading() as transaction:
            which = _OF_DEFAULT if knowledge_base == DEFAULT else _OF_ANOTHER
            values = {"answers": answers, "oldest": self._oldest(), "of": f'%"generations":{{"{knowledge_base}":%'}
            rows = transaction.execute(_SELECT_LAST.format(which=which), values)
        traces = (json.loads(row["body"]) for row in rows)
        asked = (each.get("standalone_question") or each["question"] for each in traces if not each["answer"]["reason"])
        return list(dict.fromkeys(asked))

    def close(self) -> None:
        """Write the traces that still wait, unless the database is away."""
        self._writer.close()

    def _read(self, trace_id: str) -> str | None:
        with self._database.reading() as transaction:
            rows = transaction.execute(_SELECT, {"trace_id": trace_id, "oldest": self._oldest()})
        return rows[0]["body"] if rows else None

    def _write(self, traces: Sequence[Trace]) -> None:
        rows = [row for row in map(_row, traces) if row]
        with self._database.writing() as transaction:
            # If the database went away during a commit, the rows of the last try may be there.
            transaction.execute(_DELETE, *({"trace_id": row.trace_id} for row in rows))
            transaction.execute(_INSERT, *(asdict(row) for row in rows))
            if self._batches % _PRUNE_EVERY == 0:
                transaction.execute(_DELETE_OLD, {"oldest": self._oldest()})
                transaction.execute(_DELETE_EXCESS, {"max_count": self._settings.max_count})
        self._batches += 1

    def _oldest(self) -> float:
        return time.time() - self._settings.max_age_days * _DAY_SECONDS


_SELECT = "SELECT body FROM traces WHERE trace_id = :trace_id AND asked_at >= :oldest"
_SELECT_LAST = "SELECT body FROM traces WHERE asked_at >= :oldest AND {which} ORDER BY asked_at DESC LIMIT :answers"
_OF_ANOTHER = "body LIKE :of"
# A trace of an earlier version does not name its knowledge base. No text of a trace matches: its quotes are escaped.
_OF_DEFAULT = """(body LIKE :of OR body NOT LIKE '%"generations":{"%')"""
_INSERT = "INSERT INTO traces (trace_id, asked_at, body) VALUES (:trace_id, :asked_at, :body)"
_DELETE = "DELETE FROM traces WHERE trace_id = :trace_id"
_DELETE_OLD = "DELETE FROM traces WHERE asked_at < :oldest"
_DELETE_EXCESS = """
DELETE FROM traces WHERE asked_at <= (SELECT asked_at FROM traces ORDER BY asked_at DESC LIMIT 1 OFFSET :max_count)
"""


def _row(trace: Trace) -> _Row | None:
    body = dump_trace(trace).decode()
    if len(body) <= _MAX_CHARACTERS:
        return _Row(trace.trace_id, trace.asked_at.timestamp(), body)
    log.warning("a trace of %d characters is not kept; the limit is %d", len(body), _MAX_CHARACTERS)
    return None


def dump_trace(trace: Trace) -> bytes:
    """Return the trace as the JSON that is stored."""
    return _adapter().dump_json(trace)


@cache
def _adapter() -> TypeAdapter[Trace]:
    return TypeAdapter(Trace)
