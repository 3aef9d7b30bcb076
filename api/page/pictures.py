"""The pictures of the knowledge folder: which there are, and their bytes."""

import posixpath
import threading
import time

from api.page.document_links import PICTURE_SUFFIXES
from api.page.document_names import shortest
from ingest.files.scan import File, scan
from rag.errors import DocumentError, DocumentNotFound, KnowledgeError
from rag.settings import KnowledgeSettings

MAX_PICTURE_BYTES = 20 * 1024 * 1024
_KEPT_SECONDS = 10


class Pictures:
    """Reads pictures below the folder, none that are hidden, ignored or excluded. Safe to use from several threads."""

    def __init__(self, settings: KnowledgeSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._files: dict[str, File] = {}
        self._scanned_at = -float("inf")

    def read(self, path: str, folder: str = "") -> tuple[str, bytes]:
        """Return the media type and the bytes of a picture.

        It is the one at `path` in `folder`, in the knowledge folder, or else the one whose path ends with `path`; of
        several, the shortest. Raises DocumentNotFound if there is none, it is too large or its bytes are no picture.
        """
        found = self._find(posixpath.normpath(path), folder)
        try:
            content = found.read(MAX_PICTURE_BYTES) if found else b""
        except DocumentError:
            content = b""
        kind = media_type(content)
        if not kind:
            raise DocumentNotFound(f"there is no picture {path!r} in the knowledge folder")
        return kind, content

    def _find(self, path: str, folder: str) -> File | None:
        files = self._scanned()
        for exact in (posixpath.normpath(posixpath.join(folder, path)), path):
            if exact in files:
                return files[exact]
        ends = [source for source in files if source.endswith(f"/{path}")]
        return files[shortest(ends, path)] if ends else None

    def _scanned(self) -> dict[str, File]:
        with self._lock:
            if time.monotonic() - self._scanned_at > _KEPT_SECONDS:
                settings = self._settings
                include = [f"*{suffix}" for suffix in PICTURE_SUFFIXES]
                try:
                    scanned = scan(
                        settings.path, include=include, exclude=settings.exclude, gitignore=settings.heeds_gitignore
                    )
                    self._files = {file.source: file for file in scanned.files}
                except KnowledgeError:  # there are none, or no such folder on this machine
                    self._files = {}
                self._scanned_at = time.monotonic()
            return self._files


def media_type(content: bytes) -> str:
    """Return the media type of a picture by its first bytes, "" if it is none that browsers only draw.

    >>> media_type(b"GIF89a..."), media_type(b"<svg onload=...")
    ('image/gif', '')
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return "image/avif" if content[4:12] in (b"ftypavif", b"ftypavis") else ""
