"""One call of an OpenAI-compatible `/embeddings` endpoint, for a question or for a batch of documents."""

import asyncio
import json
import time
import weakref
from collections.abc import Sequence
from typing import Any

import httpx2
import numpy as np

from rag.errors import ConfigError
from rag.models.embedders.endpoint.failures import Failure, Kind, read_failure
from rag.models.embedders.endpoint.reply import InvalidReply, read_vectors
from rag.models.embedders.protocol import Matrix
from rag.models.http_route import find_route

CONNECT_TIMEOUT_SECONDS = 5.0


class EmbeddingEndpoint:
    """Asks for vectors, once: retries are the caller's. The constructor does no I/O. Raises ConfigError."""

    def __init__(self, base_url: str, api_key: str) -> None:
        # Some servers want a key, whichever it is.
        self._api_key = api_key.strip() or "no-key"
        if not (self._api_key.isascii() and self._api_key.isprintable()):
            raise ConfigError("embedding.api_key must be printable ASCII; check ZHIWEN_EMBEDDING__API_KEY")
        self._base_url = base_url
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._route = find_route(base_url)
        self._is_format_known = True
        self._options: dict[str, Any] = {
            "headers": {"Authorization": f"Bearer {self._api_key}", "Content-Type": "application/json"},
            "follow_redirects": True,
            **self._route.client_options,  # takes 40 ms, so both kinds of clients share it
        }
        self._client = httpx2.Client(**self._options)
        # Without this, sockets stay open until the next garbage collection.
        weakref.finalize(self, self._client.close)

    def describe(self, model: str) -> str:
        """Return the endpoint and the model, as messages name them."""
        return f"embedding endpoint {self._base_url}, model {model}"

    def ask(self, texts: Sequence[str], model: str, seconds: float) -> Matrix | Failure:
        """Return a matrix as `read_vectors` does, or why there is none, after at most `seconds`."""
        answer = self._ask(texts, model, seconds)
        return self._ask(texts, model, seconds) if self._forget_format(answer) else answer

    def _ask(self, texts: Sequence[str], model: str, seconds: float) -> Matrix | Failure:
        end = time.monotonic() + seconds
        body = bytearray()
        try:
            with self._client.stream("POST", self._url, **self._request(texts, model, seconds)) as response:
                for piece in response.iter_bytes():
                    body += piece
                    # The client's own timeout is for each read, so a body that arrives byte by byte never exceeds it.
                    if time.monotonic() > end:
                        raise httpx2.ReadTimeout("the body is sent too slowly")
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            return self._no_answer(error, model)
        return self._read(response, bytes(body), len(texts), model)

    def open_for_documents(self) -> httpx2.AsyncClient:
        """Return a client for `ask_for_documents`, to be used as a context manager on one event loop."""
        # The caller bounds the connections; by default the client would close all but 20 after each call.
        return httpx2.AsyncClient(**self._options, limits=httpx2.Limits())

    async def ask_for_documents(
        self, client: httpx2.AsyncClient, texts: Sequence[str], model: str, seconds: float
    ) -> Matrix | Failure:
        """Like `ask`. If it is cancelled, the connection is closed at once."""
        answer = await self._ask_for_documents(client, texts, model, seconds)
        if self._forget_format(answer):
            return await self._ask_for_documents(client, texts, model, seconds)
        return answer

    async def _ask_for_documents(
        self, client: httpx2.AsyncClient, texts: Sequence[str], model: str, seconds: float
    ) -> Matrix | Failure:
        try:
            async with asyncio.timeout(seconds):
                response = await client.post(self._url, **self._request(texts, model, seconds))
        except (httpx2.RequestError, httpx2.InvalidURL, TimeoutError) as error:
            return self._no_answer(error, model)
        return self._read(response, response.content, len(texts), model)

    def _read(self, response: httpx2.Response, body: bytes, expected: int, model: str) -> Matrix | Failure:
        endpoint, status = self.describe(model), response.status_code
        if not response.is_success:
            return read_failure(endpoint, status, response.headers, body, self._api_key)
        try:
            vectors = read_vectors(body, expected)
        except InvalidReply as error:
            return Failure(endpoint, Kind.FINAL, str(error), 200)
        if expected == 1 and not np.isfinite(vectors).all():
            return Failure(endpoint, Kind.REFUSED, "a vector that is zero or not finite", 200)
        return vectors

    def _forget_format(self, answer: Matrix | Failure) -> bool:
        """Return whether the endpoint refuses `encoding_format`, and leave that out from now on."""
        if not self._is_format_known or not isinstance(answer, Failure) or "encoding_format" not in answer.reason:
            return False
        self._is_format_known = False
        return True

    def _no_answer(self, error: Exception, model: str) -> Failure:
        timed_out = isinstance(error, TimeoutError | httpx2.TimeoutException)
        return Failure(
            f"{self.describe(model)}{self._route.hint and f', reached{self._route.hint}'}",
            Kind.FINAL if isinstance(error, httpx2.InvalidURL) else Kind.TEMPORARY,
            " ".join(f"{type(error).__name__} {error}".split()),
            timed_out=timed_out and not isinstance(error, httpx2.ConnectTimeout),
        )

    def _request(self, texts: Sequence[str], model: str, seconds: float) -> dict[str, Any]:
        body = {"input": list(texts), "model": model}
        if self._is_format_known:
            body["encoding_format"] = "float"
        timeout = httpx2.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT_SECONDS))
        return {"content": json.dumps(body, ensure_ascii=False).encode(), "timeout": timeout}
