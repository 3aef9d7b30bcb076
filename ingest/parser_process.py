"""Parsing in a process of its own, so that a document that parses for ever, or too large, takes nothing down.

The child is started when it is first needed, gets one file's bytes at a time, and is killed when it is late.
"""

import pickle
import resource
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType

from ingest.chunking.sections import Section, parse_sections
from ingest.readers.documents import Document
from ingest.readers.parse import parse_document
from rag.errors import DocumentError, IngestStopped

_MAX_MEMORY_BYTES = 3 * 1024**3
_START_SECONDS = 60
# A terminal sends Ctrl+C to the child as well; ending it is the parent's business.
_CHILD = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from ingest.parser_process import serve; serve({descriptor})"
)


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    document: Document
    sections: Sequence[Section]


def parse_and_section(source: str, content: bytes) -> ParsedDocument:
    """Read and section a file's bytes. Raises DocumentError."""
    document = parse_document(source, content)
    try:
        return ParsedDocument(document, parse_sections(document.body, document.first_line))
    except (RecursionError, MemoryError) as error:
        raise DocumentError(f"{source}: is nested too deeply to be parsed") from error


class ParserProcess:
    """`parse`, with at most `timeout_seconds` for each document. A context manager; not for several threads at once."""

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> "ParserProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def parse(self, source: str, content: bytes) -> ParsedDocument:
        """Raises DocumentError also for a document that takes too long or too much memory, and IngestStopped if the
        process that parses cannot be started, which is no fault of the document.
        """
        connection = self._started()
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
            raise DocumentError(f"{source}: cannot be parsed, it exhausts the parser") from error
        if isinstance(result, DocumentError):
            raise result
        if not isinstance(result, ParsedDocument):
            raise TypeError(f"{source}: the parser answered {type(result).__name__}")
        return result

    def _started(self) -> Connection:
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
        ours, theirs = socket.socketpair()
        self._connection = Connection(ours.detach())
        with theirs:
            # Not multiprocessing: it would import the whole command again in the child.
            self._child = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-P", "-c", _CHILD.format(descriptor=theirs.fileno())],
                pass_fds=[theirs.fileno()],
            )
        if not self._connection.poll(_START_SECONDS):
            raise OSError(f"it did not begin within {_START_SECONDS} s")
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
    """The child: answers on the inherited socket until the parent closes it or dies."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    connection = Connection(descriptor)
    with suppress(EOFError, OSError):  # the parent has gone, perhaps before we were ready
        connection.send("ready")
        while True:
            source, content = connection.recv()
            connection.send_bytes(_answer(source, content))


def _answer(source: str, content: bytes) -> bytes:
    """What `parse` returns or raises, for `Connection.recv`. Pickled here, where that may fail as parsing may."""
    try:
        return pickle.dumps(parse_and_section(source, content))
    except DocumentError as error:
        return pickle.dumps(error)
    except Exception as error:  # noqa: BLE001  (the edge of a process: whatever it was, one document has failed)
        return pickle.dumps(DocumentError(f"{source}: cannot be parsed ({type(error).__name__}: {error})"))
