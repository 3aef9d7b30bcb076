"""What a web server answers to a request for a page, read up to a limit."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message

GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """The answer at `address`, which differs from the requested address after a redirect.

    `status` is 200, 304 (the page is as it is known), 404 or 410. `content` is cut off at the size that was asked for.
    `passed_over` says why nothing was read; all else is empty then.
    """

    address: str
    status: int = 0
    content: bytes = b""
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    is_redirected: bool = False
    passed_over: str = ""

    @property
    def media_type(self) -> str:
        """The kind of content, such as `text/html`."""
        return self._header.get_content_type() if self.content_type else ""

    @property
    def charset(self) -> str:
        """The encoding that the server names, in lower case; "" if it names none."""
        return (self._header.get_content_charset() or "") if self.content_type else ""

    @property
    def _header(self) -> Message:
        message = Message()
        message["content-type"] = self.content_type
        return message


def read_at_most(chunks: Iterable[bytes], max_bytes: int, *, encoding: str = "") -> bytes:
    """Return the first `max_bytes` of a content that comes in chunks, unpacked if `encoding` is gzip.

    Not much more than `max_bytes` is ever held, whatever it unpacks to. Raises ValueError for another encoding, and if
    it cannot be unpacked.
    """
    if encoding.lower() not in ("", "identity", "gzip", "x-gzip"):
        raise ValueError(f"it is encoded as {encoding}, which was not asked for")
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if "gzip" in encoding.lower() else None
    content = bytearray()
    try:
        for chunk in chunks:
            content += unpack.decompress(chunk, max_bytes - len(content)) if unpack else chunk
            if len(content) >= max_bytes:
                break
    except zlib.error as error:
        raise ValueError(f"it cannot be unpacked: {error}") from error
    return bytes(content[:max_bytes])
