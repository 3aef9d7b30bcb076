"""The audit log: who asked, ingested, rolled back or made keys, one line of JSON each, in a file that is only added to.

Each line is one write to a file opened for this line, so several processes may share the file, and it can be moved away
at any time. A line has no text of questions unless `serve.audit_text` is set.
"""

import datetime
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ConfigError
from rag.private_files import make_private_folder
from rag.serve_settings import ServeSettings
from rag.state.traces import Trace

ACTIONS: Mapping[str, str] = {
    "POST /ask": "asked",
    "POST /page/ask": "asked",
    "POST /widget/ask": "asked",
    "POST /hooks/feishu": "asked",
    "POST /hooks/wecom": "asked",
    "POST /v1/chat/completions": "asked",
    "POST /chat/completions": "asked",
    "POST /mcp": "called tools",
    "POST /search": "searched",
    "POST /retrieval": "searched",
    "POST /evaluation": "evaluated",
    "POST /evaluation/draft": "drafted questions",
    "POST /feedback": "rated",
    "POST /ingest": "ingested",
    "POST /hooks/git/{name}": "pushed",
    "POST /rollback": "rolled back",
    "GET /gaps": "read gaps",
    "GET /page/gaps.csv": "read gaps",
    "GET /gaps/stale": "read gaps",
    "GET /traces/{trace_id}": "read trace",
}
"""What is noted of the requests to the service, by route: what people do, and where they see what others asked."""


@dataclass(slots=True)
class Subject:
    """What an action is about: the knowledge bases, and the answer if it is not a new one."""

    knowledge_bases: tuple[str, ...] = ()
    trace_id: str = ""


_NOTHING = Subject()
_current: ContextVar[Subject | None] = ContextVar("what the current request is about", default=None)

COMMAND_LINE = "command line"
"""The route of what a command does without a server."""
SERVER = "server"
"""The route of what a server does by itself."""

log = logging.getLogger("zhiwen.audit")


@contextmanager
def noting_subject() -> Iterator[Subject]:
    """Yield what the request is about, which fills while it is served."""
    subject = Subject()
    token = _current.set(subject)
    try:
        yield subject
    finally:
        _current.reset(token)


def note_knowledge_bases(names: Iterable[str]) -> None:
    """Note that the current request is about these; they must exist. Does nothing outside a request."""
    if subject := _current.get():
        subject.knowledge_bases = tuple(dict.fromkeys((*subject.knowledge_bases, *names)))


def note_earlier_answer(trace: Trace) -> None:
    """Note that the current request is about an earlier answer. Does nothing outside a request."""
    if subject := _current.get():
        subject.trace_id = trace.trace_id
        note_knowledge_bases(trace.knowledge_bases)


class AuditLog:
    """Adds lines to `serve.audit_file`; to nothing if that is empty. Safe to use from several threads.

    The constructor raises ConfigError if the file cannot be written. If that happens later, requests go on, and the log
    says so once.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._path = Path(settings.audit_file) if settings.audit_file else None
        self._with_text = settings.audit_text
        self._has_failed = False
        if self._path:
            try:
                self._append(self._path, b"")
            except OSError as error:
                raise ConfigError(f"serve.audit_file {self._path} cannot be written: {error.strerror}") from error

    def note(
        self,
        action: str,
        route: str,
        *,
        key: str = "",
        status: int | None = None,
        trace: Trace | None = None,
        name: str = "",
        subject: Subject = _NOTHING,
    ) -> None:
        """Add a line. `key` is the name of the caller's API key, `name` that of a key or file that the action is about.

        `trace` is that of a new answer. Raises nothing.
        """
        if self._path is None:
            return
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": now, "action": action, "key": key, "route": route}
        line |= {"status": status} if status is not None else {}
        line |= {"name": name} if name else {}
        line |= {"knowledge_bases": list(subject.knowledge_bases)} if subject.knowledge_bases else {}
        trace_id = trace.trace_id if trace else subject.trace_id
        line |= {"trace_id": trace_id} if trace_id else {}
        line |= {"question": trace.question} if trace and self._with_text else {}
        try:
            self._append(self._path, json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            self._has_failed = False
        except OSError as error:
            if not self._has_failed:
                log.warning("serve.audit_file %s cannot be written, so actions are not noted: %s", self._path, error)
            self._has_failed = True

    @staticmethod
    def _append(path: Path, line: bytes) -> None:
        make_private_folder(path.parent)
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            mode = os.fstat(opened).st_mode & 0o777
            if mode != 0o600:
                os.fchmod(opened, 0o600)
            if line:
                os.write(opened, line)
        finally:
            os.close(opened)
