"""Keep the questions that nobody could answer in the state database, if the settings ask for it.

The texts of questions are personal, so nothing is kept unless `traces.keep_questions` is set. Switching it off deletes
what was kept: the next answer does.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rag.knowledge_base_names import DEFAULT
from rag.settings import TraceSettings
from rag.state.database import StateDatabase
from rag.state.write_behind import WriteBehind

Problem = Literal["refused", "unverified", "disliked"]
"""What was wrong with the answer; `disliked` means a thumb down."""

_DAY_SECONDS = 86_400
_PRUNE_EVERY = 20
"""Old questions are deleted once in this many writes; in between, the limit may be exceeded."""


@dataclass(frozen=True, slots=True)
class KeptQuestion:
    """A question whose answer had a problem.

    `asked_at` is in seconds since 1970, UTC. `asked_by` is the name of the API key, "" without one. A follow-up is kept
    as the question that it was rewritten to. `knowledge_bases` are those that were searched.
    """

    trace_id: str
    problem: Problem
    asked_at: float
    asked_by: str
    question: str
    knowledge_bases: tuple[str, ...] = (DEFAULT,)


@dataclass(frozen=True, slots=True)
class _Change:
    kept: KeptQuestion
    is_kept: bool


class QuestionLog:
    """The last `traces.max_questions` questions, for `traces.question_days`. Several threads and processes may use it.

    Close it in the end, to write the questions that still wait.
    """

    def __init__(self, settings: TraceSettings, database: StateDatabase) -> None:
        self._settings = settings
        self._database = database
        self._writer: WriteBehind[_Change | None] = WriteBehind(self._write, name="questions")
        self._batches = 0
        self._may_hold_rows = not settings.keep_questions

    @property
    def enabled(self) -> bool:
        """Whether questions are kept."""
        return self._settings.keep_questions

    def add(self, kept: KeptQuestion) -> None:
        """Keep the question; it is written in the background. Raises nothing."""
        self._put(_Change(kept, is_kept=True))

    def remove(self, kept: KeptQuestion) -> None:
        """Take back a problem, such as a thumb down that became a thumb up, in the background. Raises nothing."""
        self._put(_Change(kept, is_kept=False))

    def forget_if_disabled(self) -> None:
        """Delete, in the background and once, what was kept before the settings switched this off. Raises nothing."""
        if self._may_hold_rows:
            self._may_hold_rows = False
            self._writer.put("all", None)

    def read(
        self, *, knowledge_base: str = DEFAULT, asked_by: str | None = None, since: float = 0.0
    ) -> list[KeptQuestion]:
        """Return the questions to a knowledge base since a time (seconds since 1970), newest first.

        With `asked_by`, only those of this key. None are returned if none are kept. Raises StateUnavailable.
        """
        if not self.enabled:
            return []
        values = {
            "since": max(since, self._oldest()),
            "most": self._settings.max_questions,
            "asked_by": asked_by or "",
            "one_of": f"%,{knowledge_base},%",
        }
        with self._database.reading() as transaction:
            rows = transaction.execute(_SELECT if asked_by is None else _SELECT_OF_KEY, values)
        return [_kept(row) for row in rows]

    def close(self) -> None:
        """Write the questions that still wait, unless the database is away."""
        self._writer.close()

    def _put(self, change: "_Change") -> None:
        if self.enabled:
            kept = change.kept
            self._writer.put(f"{kept.trace_id} {kept.problem} {kept.asked_by}", change)

    def _write(self, changes: Sequence["_Change | None"]) -> None:
        if not self.enabled:
            self._delete_all()
            return
        rows = [(_row(change.kept), change.is_kept) for change in changes if change]
        with self._database.writing() as transaction:
            # If the database went away during a commit, the rows of the last try may be there.
            transaction.execute(_DELETE, *(row for row, _ in rows))
            if inserted := [row for row, is_kept in rows if is_kept]:
                transaction.execute(_INSERT, *inserted)
            if self._batches % _PRUNE_EVERY == 0:
                transaction.execute(_DELETE_OLD, {"oldest": self._oldest()})
                transaction.execute(_DELETE_EXCESS, {"most": self._settings.max_questions})
        self._batches += 1

    def _delete_all(self) -> None:
        with self._database.reading() as transaction:  # reading creates no file
            is_empty = not transaction.execute("SELECT 1 AS found FROM questions LIMIT 1")
        if not is_empty:
            with self._database.writing() as transaction:
                transaction.execute("DELETE FROM questions")

    def _oldest(self) -> float:
        return time.time() - self._settings.question_days * _DAY_SECONDS


def _row(kept: KeptQuestion) -> dict[str, Any]:
    """PostgreSQL has no NUL characters in texts."""
    question = kept.question.replace("\0", "\ufffd")
    return asdict(kept) | {"question": question, "knowledge_bases": ",".join(kept.knowledge_bases)}


def _kept(row: Mapping[str, Any]) -> KeptQuestion:
    return KeptQuestion(**{**row, "knowledge_bases": tuple(row["knowledge_bases"].split(","))})


_SELECT = """
SELECT trace_id, problem, asked_at, asked_by, question, knowledge_bases FROM questions
WHERE asked_at >= :since AND ',' || knowledge_bases || ',' LIKE :one_of
ORDER BY asked_at DESC LIMIT :most
"""
_SELECT_OF_KEY = """
SELECT trace_id, problem, asked_at, asked_by, question, knowledge_bases FROM questions
WHERE asked_by = :asked_by AND asked_at >= :since AND ',' || knowledge_bases || ',' LIKE :one_of
ORDER BY asked_at DESC LIMIT :most
"""
_INSERT = """
INSERT INTO questions (trace_id, problem, asked_at, asked_by, question, knowledge_bases)
VALUES (:trace_id, :problem, :asked_at, :asked_by, :question, :knowledge_bases)
"""
_DELETE = "DELETE FROM questions WHERE trace_id = :trace_id AND problem = :problem AND asked_by = :asked_by"
_DELETE_OLD = "DELETE FROM questions WHERE asked_at < :oldest"
_DELETE_EXCESS = """
DELETE FROM questions WHERE asked_at <= (SELECT asked_at FROM questions ORDER BY asked_at DESC LIMIT 1 OFFSET :most)
"""
