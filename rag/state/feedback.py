"""Store the feedback on answers, one JSON object a line, in a file that is only appended to."""

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from rag.errors import FeedbackError

Rating = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """A rating of the answer with this trace, and the answer itself. `at` is UTC in ISO 8601."""

    at: str
    trace_id: str
    rating: Rating
    comment: str
    question: str
    answer: str
    model: str
    generation: int


class FeedbackLog:
    """Feedback in the file `path`. Several threads and processes may write to the same file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def append(self, feedback: Feedback) -> None:
        """Write the feedback; it is on the disk once this returns. Raises FeedbackError."""
        line = json.dumps(asdict(feedback), ensure_ascii=False).encode() + b"\n"
        try:
            with self._lock:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "ab", buffering=0) as file:
                    file.write(line)
                    os.fsync(descriptor)
        except OSError as error:
            raise FeedbackError(f"{self._path} cannot be written: {error.strerror} (serve.feedback_path)") from error

    def read(self) -> list[Feedback]:
        """Return the last feedback on each trace, oldest first; an empty list if there is no file.

        An incomplete last line, left by a crash, is ignored. Raises FeedbackError if the file cannot be read or a line
        is invalid; the message names the line.
        """
        latest: dict[str, Feedback] = {}
        for feedback in self._lines():
            latest.pop(feedback.trace_id, None)
            latest[feedback.trace_id] = feedback
        return list(latest.values())

    def _lines(self) -> Iterator[Feedback]:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise FeedbackError(f"{self._path} cannot be read: {error.strerror} (serve.feedback_path)") from error
        for number, line in enumerate(lines[:-1], 1):
            try:
                values = json.loads(line)
                yield Feedback(**{field.name: values[field.name] for field in fields(Feedback)})
            except (ValueError, KeyError, TypeError) as error:
                raise FeedbackError(f"{self._path}: line {number} is not valid feedback; fix or remove it") from error
