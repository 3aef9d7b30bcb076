"""An embedding endpoint without a model, to measure everything but the embedding."""

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from rag.models.embedders.scripted import ScriptedEmbedder

DIMENSION = 384  # that of the embedder that ships


@dataclass(slots=True)
class Endpoint:
    """How the endpoint behaves, and what it has done.

    A call takes `seconds_per_call`. One of more than `most_texts` texts gets a 400, and each `busy_every`-th call a
    429, with `retry_after` if that is not empty; 0 stands for never.
    """

    seconds_per_call: float = 0.0
    most_texts: int = 2048
    busy_every: int = 0
    retry_after: str = ""
    base_url: str = ""
    calls: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    embedded: Counter[str] = field(default_factory=Counter)
    """How often each text was embedded."""
    statuses: Counter[int] = field(default_factory=Counter)


@contextmanager
def serve_endpoint(endpoint: Endpoint) -> Iterator[Endpoint]:
    """Serve the scripted embedder by the OpenAI protocol on loopback; `base_url` says where."""
    server = _Server(endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def word_vector_endpoint() -> Iterator[str]:
    """Serve the scripted embedder without limits; yields the base URL."""
    with serve_endpoint(Endpoint()) as endpoint:
        yield endpoint.base_url


class _Server(ThreadingHTTPServer):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.endpoint = endpoint
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    embedder = ScriptedEmbedder(dimension=DIMENSION)

    def do_POST(self) -> None:
        server = cast(_Server, self.server)
        endpoint = server.endpoint
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [request["input"]] if isinstance(request["input"], str) else request["input"]
        with server.lock:
            number = next(endpoint.calls)
        time.sleep(endpoint.seconds_per_call)
        if endpoint.busy_every and number % endpoint.busy_every == 0:
            self._answer(429, {"error": {"message": "Requests rate limit exceeded"}}, endpoint.retry_after)
        elif len(texts) > endpoint.most_texts:
            message = f"batch size is invalid, it should not be larger than {endpoint.most_texts}.: input.contents"
            self._answer(400, {"error": {"message": message}})
        else:
            vectors = [self.embedder.embed_query(text).tolist() for text in texts]
            data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
            with server.lock:
                endpoint.embedded.update(texts)
            self._answer(200, {"object": "list", "model": request["model"], "data": data})

    def _answer(self, status: int, answer: object, retry_after: str = "") -> None:
        server = cast(_Server, self.server)
        with server.lock:
            server.endpoint.statuses[status] += 1
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        return None
