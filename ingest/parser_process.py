"""Parsing in a separate process, so that a document that takes too long or too much memory harms nothing else.

The child starts at the first document, gets the bytes of one file at a time, and is killed after the time limit.
"""

import pickle
import resource
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from types import TracebackType

from ingest.chunking.sections import Section, parse_sections
from ingest.markup.tree import Element
from ingest.readers.document import Document
from ingest.readers.parse import parse_document
from rag.child_environment import child_environment
from rag.errors import DocumentError, IngestStopped

_MAX_MEMORY_BYTES = 3 * 1024**3
_START_SECONDS = 60
# A terminal sends Ctrl+C to the child, too; the parent ends the child.
_CHILD = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from ingest.parser_process import serve; serve({descriptor})"
)


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document, without its tree, and its sections."""

    document: Document
    sections: Sequence[Section]


def parse_and_section(source: str, content: bytes) -> ParsedDocument:
    """Read the bytes of a file and find its sections. Raises DocumentError."""
    document = parse_document(source, content)
    try:
        sections = parse_sections(document.root)
        # Only the sections are needed, and a tree can be nested more deeply than pickle goes.
        return ParsedDocument(replace(document, root=Element("body", 1)), sections)
    except (RecursionError, MemoryError) as error:
        raise DocumentError(f"{source}: is nested too deeply to be parsed") from error


class ParserProcess:
    """Parses documents in a child, `timeout_seconds` for each at most. A context manager, for one thread at a time."""

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._is_interrupted = False

    def __enter__(self) -> "ParserProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def interrupt(self) -> None:
        """End a call of `parse` in another thread at once, by killing the child, and let no other start."""
        self._is_interrupted = True
        if child := self._child:
            child.kill()

    def parse(self, source: str, content: bytes) -> ParsedDocument:
        """Return the document with its sections.

        Raises DocumentError, also for a document that takes too long or too much memory, and IngestStopped after
        `interrupt` or if the child cannot be started, which is not the fault of the document.
        """
        connection = self._started_connection()
        try:
            connection.send((source, content))
            if not connection.poll(self._timeout):
                self._stop()
                raise DocumentError(
                    f"{source}: takes longer than {self._timeout:g} s to parse (knowledge.max_seconds_per_document)"
                )
            result = connection.recv()
        except (EOFError, OSError) as error:
            self._stop()
            if self._is_interrupted:
                raise IngestStopped("the process that parses documents was stopped") from error
            raise DocumentError(f"{source}: cannot be parsed: it exhausts the parser") from error
        if isinstance(result, DocumentError):
            raise result
        if not isinstance(result, ParsedDocument):
            raise TypeError(f"{source}: the parser answered {type(result).__name__}")
        return result

    def _started_connection(self) -> Connection:
        if self._connection is None:
            try:
                self._start()
            except (EOFError, OSError) as error:
                self._stop()
                reason = str(error) or "it ended at once"
                raise IngestStopped(f"the process that parses documents cannot be started: {reason}") from error
        assert self._connection is not None  # noqa: S101  (started above)
        return self._connection

    def _start(self) -> None:
        parent_end, child_end = socket.socketpair()
        self._connection = Connection(parent_end.detach())
        with child_end:
            # Not multiprocessing, which would import the whole command again in the child.
            self._child = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-P", "-c", _CHILD.format(descriptor=child_end.fileno())],
                env=child_environment(),
                pass_fds=[child_end.fileno()],
            )
        if self._is_interrupted:
            raise OSError("it was stopped")
        if not self._connection.poll(_START_SECONDS):
            raise OSError(f"it did not start within {_START_SECONDS} s")
        self._connection.recv()

    def _stop(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None
        if self._child:
            self._child.kill()
            self._child.wait()
            self._child = None


def serve(descriptor: int) -> None:
    """Run the child: answer on the inherited socket until the parent closes it or ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    connection = Connection(descriptor)
    with suppress(EOFError, OSError):  # the parent has ended, perhaps before the child was ready
        connection.send("ready")
        while True:
            source, content = connection.recv()
            connection.send_bytes(_answer(source, content))


def _answer(source: str, content: bytes) -> bytes:
    """Return the pickled result or error of parsing. Pickling is part of it, because it may fail like parsing."""
    try:
        return pickle.dumps(parse_and_section(source, content))
    except DocumentError as error:
        return pickle.dumps(error)
    except Exception as error:  # noqa: BLE001  (the edge of a process: any error means that one document has failed)
        return pickle.dumps(DocumentError(f"{source}: cannot be parsed ({type(error).__name__}: {error})"))
