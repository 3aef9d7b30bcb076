"""A source of any place that lists documents and gives their bytes: what has another version is read again."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from ingest.files.confined import leads_below
from ingest.sources.copied_files import digest_of, remove_other_files, write_copied
from ingest.sources.parallel import in_thread, in_threads
from ingest.sources.private_json import read_json, write_json
from ingest.sources.protocol import OnWait, Remote
from rag.errors import SourceError
from rag.private_files import make_private_folder

_READS = 8


class Mirror:
    """Copies the documents that `wants` names into a folder, and removes from it what is gone there.

    `max_bytes` is how large a document may be. Of a larger one a byte more is copied, so that the ingest reports it.
    """

    def __init__(self, remote: Remote, copy: Path, *, wants: Callable[[str], bool], max_bytes: int) -> None:
        self.copy = copy
        self._remote = remote
        self._wants = wants
        self._max_bytes = max_bytes
        self._index = copy.with_suffix(".index.json")

    def version(self, on_wait: OnWait) -> str:
        """Return a digest of what is there. Raises SourceError."""
        return digest_of(self._listed(on_wait))

    probe = version

    def update(self, lock: int, on_wait: OnWait) -> str:
        """Read what has another version there, remove what is gone, and return a digest of all. Raises SourceError."""
        listed, known = self._listed(on_wait), read_json(self._index)
        same = {path for path, version in listed.items() if known.get(path) == version and (self.copy / path).is_file()}
        try:
            make_private_folder(self.copy)
            # Whatever is written below and not noted is read again if this process is killed.
            write_json(self._index, {path: listed[path] for path in same})
            remove_other_files(self.copy, listed)
            self._read({path: version for path, version in listed.items() if path not in same}, on_wait)
            write_json(self._index, listed)
        except OSError as error:
            place = error.filename or self.copy
            raise SourceError(f"{place}: {error.strerror}; zhiwen keeps a copy of the documents there") from error
        return digest_of(listed)

    def _listed(self, on_wait: OnWait) -> dict[str, str]:
        def listing(remote: Remote) -> dict[str, str]:
            return {path: version for path, version in remote.list_documents() if _is_path(path) and self._wants(path)}

        return in_thread(listing, self._remote, on_wait=on_wait)

    def _read(self, versions: Mapping[str, str], on_wait: OnWait) -> None:
        def read(document: tuple[str, str]) -> bytes:
            return self._remote.read_document(*document, max_bytes=self._max_bytes + 1)

        # Only this thread writes: one that is left behind after a failure could spoil the next update.
        with closing(in_threads(read, versions.items(), threads=_READS, on_wait=on_wait)) as contents:
            for (path, _), content in contents:
                write_copied(self.copy / path, content)


def _is_path(path: str) -> bool:
    """Return whether a path leads below the copy, and none of its parts is hidden."""
    return leads_below(path) and not any(part.startswith(".") for part in path.split("/"))
