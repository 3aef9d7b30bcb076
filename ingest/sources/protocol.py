"""What a source promises: documents that are not in a folder of this machine are copied into one."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

OnWait = Callable[[], object]
"""Called a few times a second while something is fetched. An error that it raises ends the fetch."""


class Source(Protocol):
    """Brings a folder of this machine in line with what is elsewhere.

    The caller holds the lock of the copy meanwhile. A call that was killed leaves a copy that the next call mends: an
    ingest reads it only after a call that returned.
    """

    @property
    def copy(self) -> Path:
        """The folder of the copy; the folder of documents is this one or in it."""

    def version(self, on_wait: OnWait) -> str:
        """Return what names the state of the documents there now, such as a commit. Raises SourceError.

        It needs no lock, and changes nothing.
        """

    def probe(self, on_wait: OnWait) -> str:
        """Return the version, or, if that takes many calls, a digest of the list of documents. Raises SourceError."""

    def update(self, lock: int, on_wait: OnWait) -> str:
        """Make the copy what is there now, and return what names that state. Raises SourceError.

        `lock` is a descriptor to hand on to child processes.
        """


class Remote(Protocol):
    """A place that lists its documents and gives their bytes. `ingest.sources.mirror.Mirror` makes a source of it.

    Several threads call it at the same time. No call may take much longer than half a minute.
    """

    def list_documents(self) -> Iterable[tuple[str, str]]:
        """Yield the path and the version of each document. Raises SourceError.

        The path is the one that it has in the folder of documents, with `/`; others are passed over. The version is
        another one whenever the bytes are others.
        """

    def read_document(self, path: str, version: str, *, max_bytes: int) -> bytes:
        """Return the bytes of a document, at most the first `max_bytes`. Raises SourceError.

        It is an error, too, if the document has another version by now.
        """
