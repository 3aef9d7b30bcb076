"""A reverse proxy that serves one server below a path, as nginx or Traefik do."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.kit.threaded_server import http_served

_OF_CONNECTION = ("connection", "transfer-encoding", "keep-alive")


@contextmanager
def path_proxy(url: str, prefix: str, *, strips: bool) -> Iterator[str]:
    """Serve the server at `url` below `prefix`; yield the address there.

    With `strips`, the prefix moves from the path to a header; otherwise paths are passed on as they are. All other
    paths are another site's: 404.
    """

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            if not f"{self.path.partition('?')[0]}/".startswith(f"{prefix}/"):
                self.send_error(404, "not below the prefix")
                return
            path = (self.path.removeprefix(prefix) or "/") if strips else self.path
            headers = dict(self.headers.items()) | ({"X-Forwarded-Prefix": prefix} if strips else {})
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            connection.request(self.command, path, body or None, headers)
            answer = connection.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OF_CONNECTION:
                    self.send_header(name, value)
            self.end_headers()
            while piece := answer.read1():
                self.wfile.write(piece)
                self.wfile.flush()
            connection.close()

        do_POST = do_HEAD = do_GET

    with http_served(Handler) as proxy:
        yield f"{proxy}{prefix}"
