"""A source of any place that lists documents and gives their bytes: what has another version is read again."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from ingest.files.confined import leads_below
from ingest.sources.private_json import read_json, write_json
from ingest.sources.protocol import OnWait, Remote
from rag.errors import SourceError
from rag.private_files import make_private_folder, open_private

_READS = 8
_LOOK_SECONDS = 0.1


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
        return _digest(self._listed(on_wait))

    def update(self, lock: int, on_wait: OnWait) -> str:
        """Read what has another version there, remove what is gone, and return a digest of all. Raises SourceError."""
        listed, known = self._listed(on_wait), read_json(self._index)
        same = {path for path, version in listed.items() if known.get(path) == version and (self.copy / path).is_file()}
        try:
            make_private_folder(self.copy)
            # Whatever is written below and not noted is read again if this process is killed.
            write_json(self._index, {path: listed[path] for path in same})
            _remove_others(self.copy, listed)
            self._read({path: version for path, version in listed.items() if path not in same}, on_wait)
            write_json(self._index, listed)
        except OSError as error:
            place = error.filename or self.copy
            raise SourceError(f"{place}: {error.strerror}; zhiwen keeps a copy of the documents there") from error
        return _digest(listed)

    def _listed(self, on_wait: OnWait) -> dict[str, str]:
        def listing() -> dict[str, str]:
            there = self._remote.list_documents()
            return {path: version for path, version in there if _is_path(path) and self._wants(path)}

        with _threads(1) as pool:
            future = pool.submit(listing)
            while not future.done():
                on_wait()
                wait([future], _LOOK_SECONDS)
            return future.result()

    def _read(self, versions: Mapping[str, str], on_wait: OnWait) -> None:
        # Only this thread writes: one that is left behind after a failure could spoil the next update.
        waiting, running = iter(versions.items()), dict[Future[bytes], str]()
        with _threads(_READS) as pool:
            while True:
                for path, version in islice(waiting, 2 * _READS - len(running)):
                    read = pool.submit(self._remote.read_document, path, version, max_bytes=self._max_bytes + 1)
                    running[read] = path
                if not running:
                    return
                on_wait()
                for done in wait(running, _LOOK_SECONDS, return_when=FIRST_COMPLETED).done:
                    self._write(running.pop(done), done.result())

    def _write(self, path: str, content: bytes) -> None:
        file = self.copy / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        with open(file, "xb", opener=open_private) as out:
            out.write(content)


@contextmanager
def _threads(most: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool, and wait for none of its threads at the end."""
    pool = ThreadPoolExecutor(most, "source")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _is_path(path: str) -> bool:
    """Return whether a path leads below the copy, and none of its parts is hidden."""
    return leads_below(path) and not any(part.startswith(".") for part in path.split("/"))


def _remove_others(folder: Path, wanted: Mapping[str, str]) -> None:
    """Remove the files of a copy that are not wanted, and the folders that are empty then."""
    # A path is shorter than what is below it.
    for path in sorted(folder.rglob("*"), key=lambda path: len(path.parts), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # not empty
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in wanted:
            path.unlink()


def _digest(listed: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(listed.items())).encode()).hexdigest()
