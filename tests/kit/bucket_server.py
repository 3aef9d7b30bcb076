"""A bucket on loopback, with as much of S3's protocol as we need to read and write."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.kit.threaded_server import http_served

KEY = "access-key-0123"
_PAGE = 3
"""Objects in a page of a list, so that there are several."""


@dataclass
class Bucket:
    """The objects by key. While it is `closed`, every request is refused."""

    objects: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    closed: bool = False
    reads: list[str] = field(default_factory=list)
    """The keys that were read."""
    before_read: threading.Event = field(default_factory=threading.Event)
    """A read waits for it."""

    def __post_init__(self) -> None:
        self.before_read.set()


@contextmanager
def bucket_server(objects: dict[str, bytes]) -> Iterator[Bucket]:
    """Serve a bucket called `handbook`."""
    bucket = Bucket(objects)
    with http_served(_Handler, bucket=bucket) as bucket.url:
        try:
            yield bucket
        finally:
            bucket.before_read.set()


class _Handler(BaseHTTPRequestHandler):
    bucket: Bucket

    def do_GET(self) -> None:
        bucket = self.bucket
        url = urlsplit(self.path)
        _, name, *rest = unquote(url.path).split("/", 2)
        if bucket.closed or KEY not in self.headers.get("Authorization", ""):
            self._refuse(403, "AccessDenied")
        elif name != "handbook":
            self._refuse(404, "NoSuchBucket")
        elif rest and rest[0]:
            self._send_object(bucket, rest[0])
        else:
            self._send_list(bucket, {key: values[0] for key, values in parse_qs(url.query).items()})

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self._may_write():
            self.bucket.objects[self._key()] = content
            self._send(200, b"", ETag=etag(content))

    def do_DELETE(self) -> None:
        if self._may_write():
            self.bucket.objects.pop(self._key(), None)
            self._send(204, b"")

    def _may_write(self) -> bool:
        is_allowed = not self.bucket.closed and KEY in self.headers.get("Authorization", "")
        if not is_allowed:
            self._refuse(403, "AccessDenied")
        return is_allowed

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).split("/", 2)[2]

    def _send_list(self, bucket: Bucket, query: dict[str, str]) -> None:
        keys = sorted(key for key in bucket.objects if key.startswith(query.get("prefix", "")))
        begin = int(query.get("continuation-token", 0))
        shown, more = keys[begin : begin + _PAGE], begin + _PAGE < len(keys)
        items = "".join(
            f"<Contents><Key>{escape(quote(key))}</Key><ETag>{escape(etag(bucket.objects[key]))}</ETag>"
            f"<Size>{len(bucket.objects[key])}</Size></Contents>"
            for key in shown
        )
        following = f"<NextContinuationToken>{begin + _PAGE}</NextContinuationToken>" if more else ""
        self._send(
            200,
            f'<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}'
            f"</IsTruncated>{following}{items}</ListBucketResult>".encode(),
        )

    def _send_object(self, bucket: Bucket, key: str) -> None:
        bucket.reads.append(key)
        bucket.before_read.wait(60)
        content = bucket.objects.get(key)
        if content is None:
            self._refuse(404, "NoSuchKey")
        elif self.headers.get("If-Match", etag(content)) != etag(content):
            self._refuse(412, "PreconditionFailed")
        else:
            self._send(200, content, ETag=etag(content))

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name in the standard library)
        pass


def etag(content: bytes) -> str:
    """Return what S3 answers as the version of an object."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
