"""An embedder behind any OpenAI-compatible `/embeddings` endpoint: DashScope, SiliconFlow, Ollama, vLLM, OpenAI."""

import copy
import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from urllib.parse import urlsplit

import httpx2
import numpy as np

from rag.errors import EmbedderError, TextsRefused
from rag.models.embedders.endpoint.background import iterate_in_background
from rag.models.embedders.endpoint.batches import BatchSize
from rag.models.embedders.endpoint.connection import EmbeddingEndpoint
from rag.models.embedders.endpoint.document_calls import PLAIN_TEXT, Ask, DocumentCalls, Embedded
from rag.models.embedders.endpoint.failures import PASSING, Failure, to_error
from rag.models.embedders.endpoint.pace import Pace, growing_pause
from rag.models.embedders.endpoint.provider_limits import provider_limits
from rag.models.embedders.protocol import Matrix, OnEmbedded, Vector, ignore_embedded
from rag.models.embedders.token_upper_bound import token_upper_bound
from rag.models.http_route import is_loopback
from rag.text.surrogates import replace_unsendable

MOST_TEXTS = 128
"""In one call, unless `batch_size` says more: larger ones gain nothing, and one that fails repeats more."""


class OpenAIEmbedder:
    """Asks an endpoint for vectors: of documents in up to `concurrency` calls at a time, of a question in one call.

    A call takes at most `batch_size` texts; 0 stands for what the provider takes. `query_model`, if given, embeds the
    questions instead of `model`. A call for a question that ends in a connection error, a timeout, 429 or 5xx is
    repeated, up to `max_attempts` attempts, and `timeout_seconds` is the deadline for all of them together; a question
    never waits for documents. A call for documents has `timeout_seconds` to itself; `DocumentCalls` says what follows
    when it fails. The constructor does no I/O, so the first use may raise EmbedderUnavailable.

    The fingerprint changes with the address, but not with the port of a server on this machine: it moves with
    containers and restarts, and its model does not. `equivalents` holds the fingerprint of versions before 0.3.
    """

    def __init__(  # noqa: PLR0913 (the settings of the section)
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        query_model: str = "",
        batch_size: int = 0,
        concurrency: int = 8,
        max_tokens: int = 512,
        timeout_seconds: float = 60,
        max_attempts: int = 4,
    ) -> None:
        self.name = f"openai/{model}"
        self.engine = base_url
        self.max_tokens = max_tokens
        self.fingerprint = _fingerprint(_without_local_port(base_url), model, query_model)
        self.equivalents = frozenset({_fingerprint(base_url.rstrip("/"), model, query_model)})
        self._model = model
        self._query_model = query_model or model
        self._timeout_seconds = timeout_seconds
        self._max_attempts = max_attempts
        limits = provider_limits(base_url)
        self._size = BatchSize(batch_size or min(limits.texts, MOST_TEXTS), limits.tokens)
        self._pace = Pace(concurrency)
        self._known_dimension = 0
        self._probing = threading.Lock()
        self._endpoint = EmbeddingEndpoint(base_url, api_key)
        self._ask_elsewhere: Ask | None = None

    def asking_through(self, ask: Ask) -> "OpenAIEmbedder":
        """Return this embedder, whose calls for documents `ask` makes. It still decides when, and how many at a time.

        So the limits of the endpoint hold for all machines together on which `ask` calls `ask_for_documents`.
        """
        embedder = copy.copy(self)
        embedder._ask_elsewhere = ask
        return embedder

    def ask_for_documents(self, texts: Sequence[str]) -> Matrix | Failure:
        """Make one call for passages. Return a matrix, with NaN for vectors that are no use, or why there is none."""
        answer = self._endpoint.ask(texts, self._model, self._timeout_seconds)
        return answer if isinstance(answer, Failure) else self._check_dimension(answer)

    def describe(self) -> str:
        """Return the endpoint and the model, as messages name them."""
        return self._endpoint.describe(self._model)

    @property
    def dimension(self) -> int:
        """The length of the vectors, known from the first response; asks the endpoint if there was none yet."""
        with self._probing:
            return self._known_dimension or self._embed_one(PLAIN_TEXT, self._model).shape[0]

    def count_tokens(self, text: str) -> int:
        """Return an upper bound of the tokens: the endpoint's tokenizer is not known."""
        return token_upper_bound(text)

    def embed_query(self, text: str) -> Vector:
        """Return one question as a vector of length 1."""
        return self._embed_one(text, self._query_model)

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        """Return passages as rows of a matrix, in the order given.

        Texts in the hundreds keep all calls busy. While nothing arrives, `on_embedded` is called about twice a second
        without positions, so that it can end the call by raising; then no call goes on and no thread is left.
        """
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        rows: dict[int, Vector] = {}
        refusals: dict[int, str] = {}

        async def embed(emit: Callable[[Embedded], object]) -> None:
            async with self._endpoint.open_for_documents() as client:
                calls = DocumentCalls(
                    [replace_unsendable(text) for text in texts],
                    ask=lambda batch: self._ask_for_documents(client, batch),
                    emit=emit,
                    size=self._size,
                    pace=self._pace,
                    max_attempts=self._max_attempts,
                )
                await calls.run()
                refusals.update(calls.refusals)

        nothing = Embedded((), np.empty((0, self._known_dimension), dtype=np.float32))
        with closing(iterate_in_background(embed)) as batches:
            for batch in batches:
                arrived = batch or nothing
                rows.update(zip(arrived.positions, arrived.vectors, strict=True))
                on_embedded(arrived.positions, arrived.vectors)
        if refusals:
            first, reason = min(refusals.items())
            raise TextsRefused(
                f"{self._endpoint.describe(self._model)}, refused {len(refusals)} of {len(texts)} texts, "
                f"number {first + 1} first ({reason})",
                refusals,
            )
        return np.stack([rows[position] for position in range(len(texts))])

    async def _ask_for_documents(self, client: httpx2.AsyncClient, texts: Sequence[str]) -> Matrix | Failure:
        if self._ask_elsewhere:
            return await self._ask_elsewhere(texts)
        answer = await self._endpoint.ask_for_documents(client, texts, self._model, self._timeout_seconds)
        return answer if isinstance(answer, Failure) else self._check_dimension(answer)

    def _embed_one(self, text: str, model: str) -> Vector:
        # Not tenacity: the time-out of an attempt depends on the time that is left, so the loop would be longer there.
        deadline = time.monotonic() + self._timeout_seconds
        attempt = 0
        while True:
            attempt += 1
            is_last = attempt == self._max_attempts
            left = max(deadline - time.monotonic(), 0.1)
            # Half of the time that is left, so that an attempt without an answer leaves time for the next one.
            answer = self._endpoint.ask([replace_unsendable(text)], model, left if is_last else left / 2)
            if not isinstance(answer, Failure):
                vector: Vector = self._check_dimension(answer)[0]
                return vector
            pause = growing_pause(attempt) if answer.retry_after_seconds is None else answer.retry_after_seconds
            if is_last or answer.kind not in PASSING or time.monotonic() + pause >= deadline:
                raise self._out_of_time(answer) if answer.timed_out else to_error(answer, attempt)
            time.sleep(pause)

    def _check_dimension(self, vectors: Matrix) -> Matrix:
        dimension = vectors.shape[1]
        self._known_dimension = self._known_dimension or dimension
        if dimension != self._known_dimension:
            raise EmbedderError(
                f"{self._endpoint.describe(self._model)}, answered with vectors of {dimension} numbers, "
                f"after {self._known_dimension} before"
            )
        return vectors

    def _out_of_time(self, failure: Failure) -> EmbedderError:
        return EmbedderError(
            f"{failure.endpoint}, gave no answer within {self._timeout_seconds:g} s; "
            "raise embedding.timeout_seconds or lower embedding.batch_size"
        )


def _fingerprint(address: str, model: str, query_model: str) -> str:
    identity = "\0".join(("openai", address, model, query_model))
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _without_local_port(base_url: str) -> str:
    address = base_url.rstrip("/")
    try:
        parts = urlsplit(address)
        return f"loopback{parts.path}" if is_loopback(parts.hostname or "") else address
    except ValueError:
        return address  # the first request will say that the address is invalid
