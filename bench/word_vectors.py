"""An embedding endpoint without a model: words hashed into a vector. For measuring everything but the embedding."""

import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rag.text.tokens import tokenize

DIMENSION = 384


@contextmanager
def word_vector_endpoint() -> Iterator[str]:
    """Serve the OpenAI protocol on loopback; gives the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def word_vector(text: str) -> list[float]:
    """How often each word's slot is hit, of length 1."""
    counts = [0.0] * DIMENSION
    for term in tokenize(text) or ["-"]:
        counts[zlib.crc32(term.encode()) % DIMENSION] += 1.0
    length = sum(count * count for count in counts) ** 0.5
    return [round(count / length, 6) for count in counts]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [request["input"]] if isinstance(request["input"], str) else request["input"]
        data = [{"object": "embedding", "index": at, "embedding": word_vector(text)} for at, text in enumerate(texts)]
        body = json.dumps({"object": "list", "model": request["model"], "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        return None
