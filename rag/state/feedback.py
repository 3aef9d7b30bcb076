"""Store the feedback on answers in the state database."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from rag.errors import FeedbackError, StateUnavailable
from rag.state.database import StateDatabase

Rating = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """A rating of the answer with this trace, and the answer itself.

    `at` is UTC in ISO 8601, `given_by` the name of the API key, "" without one.
    """

    at: str
    trace_id: str
    rating: Rating
    comment: str
    question: str
    answer: str
    model: str
    generation: int
    given_by: str = ""


_SELECT = """
SELECT at, trace_id, rating, comment, question, answer, model, generation, given_by FROM feedback ORDER BY id
"""
_INSERT = """
INSERT INTO feedback (at, trace_id, rating, comment, question, answer, model, generation, given_by)
VALUES (:at, :trace_id, :rating, :comment, :question, :answer, :model, :generation, :given_by)
"""
_DELETE = "DELETE FROM feedback WHERE trace_id = :trace_id AND given_by = :given_by"
_DELETE_EXCESS = "DELETE FROM feedback WHERE id <= (SELECT id FROM feedback ORDER BY id DESC LIMIT 1 OFFSET :most)"


class FeedbackLog:
    """Feedback in the state database, the last `most` ratings. Several threads and processes may use it.

    `old_file` is the file in which versions before 0.2 kept feedback, one JSON object a line.
    """

    def __init__(self, database: StateDatabase, old_file: Path, *, most: int = 100_000) -> None:
        self._database = database
        self._most = most
        self._old_file = old_file

    def append(self, feedback: Feedback) -> None:
        """Write the feedback; it is on the disk once this returns. Raises FeedbackError.

        It replaces what the same key said about the same answer, and nothing that another key said.
        """
        try:
            with self._database.writing() as transaction:
                transaction.execute(_DELETE, {"trace_id": feedback.trace_id, "given_by": feedback.given_by})
                transaction.execute(_INSERT, _row(feedback))
                transaction.execute(_DELETE_EXCESS, {"most": self._most})
        except StateUnavailable as error:
            raise FeedbackError(f"the feedback is not kept: {error}") from error

    def read(self) -> list[Feedback]:
        """Return the last feedback of each key on each trace, oldest first.

        If the file of an earlier version is there, move its feedback into the database first, and rename it, so that
        this happens once. Raises FeedbackError if the database cannot be used, or a line of that file is invalid; the
        message names the line.
        """
        try:
            self._take_over_old_file()
            with self._database.reading() as transaction:
                found = [Feedback(**row) for row in transaction.execute(_SELECT)]
        except StateUnavailable as error:
            raise FeedbackError(f"feedback cannot be read: {error}") from error
        latest: dict[tuple[str, str], Feedback] = {}
        for feedback in sorted(found, key=attrgetter("at")):
            latest.pop((feedback.trace_id, feedback.given_by), None)
            latest[feedback.trace_id, feedback.given_by] = feedback
        return list(latest.values())

    def _take_over_old_file(self) -> None:
        """Insert what is not there yet: an earlier try may have inserted the lines but not renamed the file."""
        try:
            old = list(_lines(self._old_file))
        except FileNotFoundError:
            return
        except OSError as error:
            raise FeedbackError(f"{self._old_file} cannot be read: {error.strerror} (serve.feedback_path)") from error
        with self._database.writing() as transaction:
            known = {Feedback(**row) for row in transaction.execute(_SELECT)}
            if missing := [_row(feedback) for feedback in old if feedback not in known]:
                transaction.execute(_INSERT, *missing)
        with suppress(OSError):  # another process has renamed it, or the folder is read-only
            self._old_file.rename(f"{self._old_file}.imported")


def _row(feedback: Feedback) -> dict[str, Any]:
    """PostgreSQL has no NUL characters in texts."""
    values = asdict(feedback)
    return {name: value.replace("\0", "\ufffd") if isinstance(value, str) else value for name, value in values.items()}


def _lines(file: Path) -> Iterator[Feedback]:
    """Yield the feedback of each line. An incomplete last line, left by a crash, is ignored. Raises OSError too."""
    for number, line in enumerate(file.read_bytes().split(b"\n")[:-1], 1):
        try:
            values = json.loads(line)
            yield Feedback(**{field.name: values[field.name] for field in fields(Feedback) if field.name != "given_by"})
        except (ValueError, KeyError, TypeError) as error:
            raise FeedbackError(f"{file}: line {number} is not valid feedback; fix or remove it") from error
