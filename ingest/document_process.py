"""One function in a separate process, so that a document that takes too long or too much memory harms nothing else.

The child starts at the first document, gets one at a time, and is killed after the time limit.
"""

import pickle
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Generic, Self, TypeVar

from rag.child_environment import child_environment
from rag.errors import DocumentError, IngestStopped

Result = TypeVar("Result")

_MAX_MEMORY_BYTES = 3 * 1024**3
_START_SECONDS = 60
# A terminal sends Ctrl+C to the child, too; the parent ends the child.
_CHILD = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from ingest.document_process import serve; from {module} import {name} as work; serve({descriptor}, work)"
)


class DocumentProcess(Generic[Result]):
    """Calls `work`, a function of a module, in a child, for `timeout_seconds` at most.

    Its first argument is the source of the document. `purpose` completes "takes longer than 20 s to …". A context
    manager, for one thread at a time.
    """

    def __init__(self, work: Callable[..., Result], *, timeout_seconds: float, purpose: str) -> None:
        self._work = work
        self._timeout = timeout_seconds
        self._purpose = purpose
        self._child: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._is_interrupted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child. A later call starts another one."""
        if self._connection:
            self._connection.close()
            self._connection = None
        if self._child:
            self._child.kill()
            self._child.wait()
            self._child = None

    def interrupt(self) -> None:
        """End a call in another thread at once, by killing the child, and let no other start."""
        self._is_interrupted = True
        if child := self._child:
            child.kill()

    def call(self, source: str, *arguments: object) -> Result:
        """Return what `work` returns.

        Raises DocumentError, also for a document that takes too long or too much memory, and IngestStopped after
        `interrupt` or if the child cannot be started, which is not the fault of the document.
        """
        connection = self._started_connection()
        try:
            connection.send((source, *arguments))
            if not connection.poll(self._timeout):
                self.close()
                raise DocumentError(f"{source}: takes longer than {self._timeout:g} s to {self._purpose}")
            result: Result | DocumentError = connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            if self._is_interrupted:
                raise IngestStopped("the process that parses documents was stopped") from error
            raise DocumentError(f"{source}: cannot be parsed: it exhausts the parser") from error
        if isinstance(result, DocumentError):
            raise result
        return result

    def _started_connection(self) -> Connection:
        if self._connection is None:
            try:
                self._start()
            except (EOFError, OSError) as error:
                self.close()
                reason = str(error) or "it ended at once"
                raise IngestStopped(f"the process that parses documents cannot be started: {reason}") from error
        assert self._connection is not None  # noqa: S101  (started above)
        return self._connection

    def _start(self) -> None:
        parent_end, child_end = socket.socketpair()
        self._connection = Connection(parent_end.detach())
        with child_end:
            module, name = self._work.__module__, self._work.__name__
            program = _CHILD.format(module=module, name=name, descriptor=child_end.fileno())
            # Not multiprocessing, which would import the whole command again in the child.
            self._child = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-P", "-c", program],
                env=child_environment(),
                pass_fds=[child_end.fileno()],
            )
        if self._is_interrupted:
            raise OSError("it was stopped")
        if not self._connection.poll(_START_SECONDS):
            raise OSError(f"it did not start within {_START_SECONDS} s")
        self._connection.recv()


def serve(descriptor: int, work: Callable[..., object]) -> None:
    """Run the child: answer on the inherited socket until the parent closes it or ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    connection = Connection(descriptor)
    with suppress(EOFError, OSError):  # the parent has ended, perhaps before the child was ready
        connection.send("ready")
        while True:
            source, *arguments = connection.recv()
            connection.send_bytes(_answer(work, source, arguments))


def _answer(work: Callable[..., object], source: str, arguments: Sequence[object]) -> bytes:
    """Return the pickled result or error of the work. Pickling is part of it, because it may fail like parsing."""
    try:
        return pickle.dumps(work(source, *arguments))
    except DocumentError as error:
        return pickle.dumps(error)
    except Exception as error:  # noqa: BLE001  (the edge of a process: any error means that one document has failed)
        return pickle.dumps(DocumentError(f"{source}: cannot be parsed ({type(error).__name__}: {error})"))
