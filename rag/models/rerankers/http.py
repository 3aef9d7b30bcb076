"""A reranker behind any `/rerank` endpoint: Jina, Cohere, SiliconFlow, DashScope, Voyage, vLLM, llama.cpp, TEI."""

import json
import math
import time
import weakref
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import httpx2

from rag.errors import ConfigError, RerankerError, RerankerTimeout, RerankerUnavailable
from rag.models.http_route import find_route
from rag.models.provider_reason import mask_keys, read_reason
from rag.models.rerankers.reply import InvalidScores, read_scores
from rag.text.surrogates import replace_unsendable

CONNECT_TIMEOUT_SECONDS = 5.0
_MAX_ANSWER_BYTES = 1024 * 1024
_WRONG_BODY = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_WAY_OUT = "check rerank.base_url, or set rerank.provider: none"


class HTTPReranker:
    """Asks an endpoint for scores, in one request that no failure repeats, because a person is waiting.

    `/rerank` is added to `base_url`, unless that ends in `/rerank` or `/reranks`. `timeout_seconds` is the deadline for
    the whole response. An endpoint that calls the documents `texts`, as TEI does, is asked again that way; what it
    wants is remembered. The constructor does no I/O.
    """

    def __init__(self, *, base_url: str, api_key: str, model: str, timeout_seconds: float = 2) -> None:
        self.name = f"http/{model}"
        self._model = model
        self._key = api_key.strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise ConfigError("rerank.api_key must be printable ASCII; check ZHIWEN_RERANK__API_KEY")
        address = base_url.rstrip("/")
        self._url = address if address.endswith(("/rerank", "/reranks")) else f"{address}/rerank"
        self._timeout_seconds = timeout_seconds
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_TIMEOUT_SECONDS))
        self._route = find_route(base_url)
        self._documents = "documents"  # the name of the texts in the request
        self._client = httpx2.Client(**self._route.client_options, headers=headers, timeout=timeout)
        # Without this, sockets stay open until the next garbage collection.
        weakref.finalize(self, self._client.close)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return one score for each text, 0..1. Raises RerankerError."""
        if not texts:
            return []
        # No more than this: `top_n` is everything by default, and Voyage, for one, refuses names that it does not know.
        body = {"model": self._model, "query": replace_unsendable(question)}
        sendable = [replace_unsendable(text) for text in texts]
        try:
            status, answer = self._post({**body, self._documents: sendable})
            if status in _WRONG_BODY and self._documents == "documents" and b"texts" in answer:
                self._documents = "texts"
                status, answer = self._post({**body, self._documents: sendable})
        except httpx2.InvalidURL as error:
            raise RerankerUnavailable(f"{self._endpoint} is not a valid address ({error}); {_WAY_OUT}") from error
        except httpx2.ConnectError as error:
            raise self._unreachable(error) from error
        except httpx2.TimeoutException as error:
            raise RerankerTimeout(
                f"{self._endpoint}, gave no answer within {self._timeout_seconds:g} s; "
                "raise rerank.timeout_seconds or lower rerank.candidates"
            ) from error
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        if status != HTTPStatus.OK:
            raise self._refusal(status, answer)
        return self._read(answer, len(texts))

    def _post(self, body: Mapping[str, object]) -> tuple[int, bytes]:
        end = time.monotonic() + self._timeout_seconds
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        with self._client.stream("POST", self._url, content=content, headers=headers) as response:
            answer = bytearray()
            for piece in response.iter_bytes():
                answer += piece
                # The client's own timeout is for each read, so a body that arrives byte by byte never exceeds it.
                if time.monotonic() > end:
                    raise httpx2.ReadTimeout("the body is sent too slowly")
                if len(answer) > _MAX_ANSWER_BYTES:
                    raise RerankerError(f"{self._endpoint}, answered with more than {_MAX_ANSWER_BYTES} bytes")
            return response.status_code, bytes(answer)

    def _read(self, answer: bytes, expected: int) -> list[float]:
        try:
            return self._normalised(read_scores(answer, expected))
        except InvalidScores as error:
            raise RerankerError(
                f"{self._endpoint}, answered without scores ({error}): {self._beginning(answer)}"
            ) from error

    def _normalised(self, scores: list[float]) -> list[float]:
        if not all(math.isfinite(score) for score in scores):
            raise RerankerError(f"{self._endpoint}, answered with a score that is not finite")
        if all(0 <= score <= 1 for score in scores):
            return scores
        # Some servers, llama.cpp among them, send raw logits.
        return [0.5 + 0.5 * math.tanh(score / 2) for score in scores]

    @property
    def _endpoint(self) -> str:
        return f"rerank endpoint {self._url}, model {self._model}"

    def _refusal(self, status: int, answer: bytes) -> RerankerError:
        said = f"HTTP {status}: {read_reason(answer, self._key).text}"
        if status == HTTPStatus.UNAUTHORIZED:
            return RerankerUnavailable(f"{self._endpoint}, refused the key ({said}); set ZHIWEN_RERANK__API_KEY")
        if status in {HTTPStatus.FORBIDDEN, HTTPStatus.PAYMENT_REQUIRED}:
            return RerankerUnavailable(
                f"{self._endpoint}, refused access ({said}); check the account and what ZHIWEN_RERANK__API_KEY may use"
            )
        if status == HTTPStatus.NOT_FOUND:
            return RerankerUnavailable(f"{self._endpoint}, not found ({said}); check rerank.base_url and rerank.model")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return RerankerError(f"{self._endpoint}, received too many requests ({said})")
        return RerankerError(f"{self._endpoint}, failed ({said})")

    def _unreachable(self, error: Exception) -> RerankerUnavailable:
        reason = " ".join(f"{type(error).__name__} {error}".split())
        return RerankerUnavailable(f"{self._endpoint}, cannot be reached{self._route.hint} ({reason}); {_WAY_OUT}")

    def _beginning(self, answer: bytes) -> str:
        """Return the server's answer in one short line, without the key: some servers repeat a key they refuse."""
        text = answer.decode("utf-8", "replace")
        return repr(" ".join(mask_keys(text, self._key).split())[:120])
