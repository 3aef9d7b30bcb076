"""An embedder behind any OpenAI-compatible `/embeddings` endpoint: DashScope, SiliconFlow, Ollama, vLLM, OpenAI."""

import hashlib
import random
import threading
import time
import weakref
from collections.abc import Sequence
from http import HTTPStatus

import httpx2
import numpy as np
import openai
from pydantic import BaseModel, ValidationError

from rag.errors import ConfigError, EmbedderError, EmbedderUnavailable
from rag.models.embedders.protocol import Matrix, OnEmbedded, Vector, ignore_embedded
from rag.models.embedders.token_upper_bound import token_upper_bound
from rag.models.retry_after import parse_retry_after
from rag.text.surrogates import replace_unsendable

CONNECT_TIMEOUT_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.5
_WAY_OUT = "check embedding.base_url, or set embedding.provider: builtin"


class OpenAIEmbedder:
    """Asks an endpoint for vectors, `batch_size` texts per request.

    A request that ends in a connection error, a timeout, 429 or 5xx is repeated, up to `max_attempts` attempts;
    `timeout_seconds` is the deadline for all of them together. `query_model`, if given, embeds the questions instead of
    `model`. The constructor does no I/O, so the first use may raise EmbedderUnavailable.
    """

    equivalents: frozenset[str] = frozenset()

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        query_model: str = "",
        batch_size: int = 32,
        max_tokens: int = 512,
        timeout_seconds: float = 60,
        max_attempts: int = 4,
    ) -> None:
        self.name = f"openai/{model}"
        self.engine = base_url
        self.max_tokens = max_tokens
        identity = "\0".join(("openai", base_url.rstrip("/"), model, query_model))
        self.fingerprint = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._base_url = base_url
        self._model = model
        self._query_model = query_model or model
        self._batch_size = batch_size
        self._timeout_seconds = timeout_seconds
        self._max_attempts = max_attempts
        self._known_dimension = 0
        self._probing = threading.Lock()
        self._client = _open_client(base_url, api_key.strip())
        # The client is part of a reference cycle: without this its sockets stay open until the next garbage collection.
        weakref.finalize(self, self._client.close)

    @property
    def dimension(self) -> int:
        """The length of the vectors, known from the first response; asks the endpoint if there was none yet."""
        with self._probing:
            return self._known_dimension or self._embed(["dimension"], self._model).shape[1]

    def count_tokens(self, text: str) -> int:
        """Return an upper bound of the tokens: the endpoint's tokenizer is not known."""
        return token_upper_bound(text)

    def embed_query(self, text: str) -> Vector:
        """Return one question as a vector of length 1."""
        vector: Vector = self._embed([text], self._query_model)[0]
        return vector

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        """Return passages as rows of a matrix, in the order given."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        matrices: list[Matrix] = []
        for start in range(0, len(texts), self._batch_size):
            matrices.append(self._embed(texts[start : start + self._batch_size], self._model))
            on_embedded(range(start, start + len(matrices[-1])), matrices[-1])
        return np.vstack(matrices)

    def _embed(self, texts: Sequence[str], model: str) -> Matrix:
        matrix = self._read(self._request([replace_unsendable(text) for text in texts], model), len(texts))
        dimension = matrix.shape[1]
        self._known_dimension = self._known_dimension or dimension
        if dimension != self._known_dimension:
            raise self._bad_answer(f"vectors of {dimension} numbers, after {self._known_dimension} before")
        return matrix

    def _request(self, texts: Sequence[str], model: str) -> bytes:
        # Not tenacity: the time-out of an attempt depends on the time that is left, so the loop would be longer there.
        deadline = time.monotonic() + self._timeout_seconds
        attempt = 0
        while True:
            attempt += 1
            is_last = attempt == self._max_attempts
            left = max(deadline - time.monotonic(), 0.1)
            try:
                # Half of the time that is left, so that an attempt without an answer leaves time for the next one.
                return self._post(texts, model, left if is_last else left / 2)
            except (openai.OpenAIError, httpx2.RequestError) as error:
                pause = _pause(error, attempt)
                if is_last or not _is_transient(error) or time.monotonic() + pause >= deadline:
                    raise self._explain(error, model, attempt) from error
                time.sleep(pause)

    def _post(self, texts: Sequence[str], model: str, seconds: float) -> bytes:
        end = time.monotonic() + seconds
        timeout = openai.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT_SECONDS))
        embeddings = self._client.embeddings.with_streaming_response
        with embeddings.create(input=list(texts), model=model, encoding_format="float", timeout=timeout) as response:
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                # The client's own timeout is for each read, so a body that arrives byte by byte never exceeds it.
                if time.monotonic() > end:
                    raise httpx2.ReadTimeout("the body is sent too slowly")
            return bytes(body)

    def _read(self, body: bytes, expected: int) -> Matrix:
        try:
            rows = sorted(_Reply.model_validate_json(body).data, key=lambda row: row.index)
        except ValidationError as error:
            start = " ".join(body[:80].decode("utf-8", "replace").split())
            raise self._bad_answer(f"HTTP 200 without embeddings, beginning with {start!r}") from error
        if [row.index for row in rows] != list(range(expected)):
            raise self._bad_answer(f"{len(rows)} vectors for {expected} texts, or not numbered from 0")
        lengths = {len(row.embedding) for row in rows}
        if len(lengths) != 1 or 0 in lengths:
            raise self._bad_answer(f"vectors of different lengths: {sorted(lengths)}")
        matrix = np.array([row.embedding for row in rows], dtype=np.float64)
        with np.errstate(over="ignore"):
            norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not norms.all():
            raise self._bad_answer("a vector that is zero or not finite")
        return np.asarray(matrix / norms, dtype=np.float32)

    def _bad_answer(self, what: str) -> EmbedderError:
        return EmbedderError(f"embedding endpoint {self._base_url}, model {self._model}, answered with {what}")

    def _explain(self, error: Exception, model: str, attempts: int) -> EmbedderError:
        endpoint = f"embedding endpoint {self._base_url}, model {model}"
        tries = f"after {attempts} attempts" if attempts > 1 else "at the first attempt"
        if isinstance(error, openai.APIStatusError):
            status, detail = error.status_code, self._detail(error)
            if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                return EmbedderUnavailable(
                    f"{endpoint}, refused the key (HTTP {status}: {detail}); set ZHIWEN_EMBEDDING__API_KEY"
                )
            if status == HTTPStatus.NOT_FOUND:
                return EmbedderUnavailable(
                    f"{endpoint}, not found (HTTP 404: {detail}); check embedding.model and embedding.base_url"
                )
            return EmbedderError(f"{endpoint}, failed {tries} (HTTP {status}: {detail})")
        cause = error.__cause__ or error
        if isinstance(cause, httpx2.TimeoutException) and not isinstance(cause, httpx2.ConnectTimeout):
            return EmbedderError(
                f"{endpoint}, gave no answer within {self._timeout_seconds:g} s; "
                "raise embedding.timeout_seconds or lower embedding.batch_size"
            )
        reason = " ".join(f"{type(cause).__name__} {cause}".split())
        return EmbedderUnavailable(f"{endpoint}, cannot be reached {tries} ({reason}); {_WAY_OUT}")

    def _detail(self, error: openai.APIStatusError) -> str:
        """Return the server's message in one short line, without the key: some servers repeat a key they refuse."""
        message = error.body.get("message", error.body) if isinstance(error.body, dict) else error.body
        return " ".join(str(message).replace(self._client.api_key, "***").split())[:200]


class _Row(BaseModel):
    index: int
    embedding: list[float]


class _Reply(BaseModel):
    data: list[_Row]


def _open_client(base_url: str, api_key: str) -> openai.OpenAI:
    if not (api_key.isascii() and api_key.isprintable()):
        raise ConfigError("embedding.api_key must be printable ASCII; check ZHIWEN_EMBEDDING__API_KEY")
    # Without a key the client would send the one in OPENAI_API_KEY to whatever server base_url names.
    return openai.OpenAI(base_url=base_url, api_key=api_key or "no-key", max_retries=0)


def _is_transient(error: Exception) -> bool:
    if isinstance(error, openai.APIStatusError):
        return error.status_code == HTTPStatus.TOO_MANY_REQUESTS or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError | httpx2.RequestError)


def _pause(error: Exception, attempt: int) -> float:
    """Return the seconds until the next attempt: what the server asks for, or a pause that doubles, with jitter."""
    if isinstance(error, openai.APIStatusError):
        retry_after = parse_retry_after(error.response.headers.get("retry-after", ""))
        if retry_after is not None:
            return retry_after
    return FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311 (jitter)
