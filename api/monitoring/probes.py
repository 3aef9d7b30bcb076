"""Health probes: whether the process runs, and whether it can answer. They need no key and show no more than that."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from api.error_codes import error_code
from api.guard.draining import Drain
from api.guard.keys import Keys
from api.schemas.error_bodies import ERRORS
from api.service.health import LiveResponse, ReadyPart, ReadyPartOut, ReadyResponse
from rag.errors import EmbedderMismatch, StoreEmpty, StoreTimeout, ZhiwenError
from rag.models.embedders.protocol import Embedder, can_search
from rag.store.store import Store

_TIMEOUT_SECONDS = 2.0
_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": ReadyResponse, "description": "A part is not ready; `parts` says which."}
}


class Readiness:
    """Checks the parts that an answer from at least one knowledge base needs.

    Concurrent probes share one check of each part.
    """

    def __init__(self, stores: Sequence[Store], embedder: Embedder) -> None:
        self._stores = stores
        self._embedder = embedder
        self._checks: dict[ReadyPart, asyncio.Task[None]] = {}
        self._is_embedder_warm = False

    async def check(self) -> list[ReadyPartOut]:
        """The state of each part, with the code of its error if it is not ready. Takes at most two seconds."""
        store, embedder = await asyncio.gather(
            self._checked("store", self._check_store, on_timeout=error_code(StoreTimeout())),
            self._checked("embedder", self._check_embedder, on_timeout="loading"),
        )
        # The store itself is well if all it lacks is a generation to answer from.
        lacks_generation = store.code in (error_code(StoreEmpty()), error_code(EmbedderMismatch()))
        generation = ReadyPartOut(part="generation", ok=store.ok, code=store.code)
        return [ReadyPartOut(part="store", ok=True) if lacks_generation else store, embedder, generation]

    async def _checked(self, part: ReadyPart, check: Callable[[], None], *, on_timeout: str) -> ReadyPartOut:
        task = self._checks.get(part)
        if task is None or task.done():
            task = self._checks[part] = asyncio.create_task(asyncio.to_thread(check))
        try:
            await asyncio.wait_for(asyncio.shield(task), _TIMEOUT_SECONDS)
        except TimeoutError:
            return ReadyPartOut(part=part, ok=False, code=on_timeout)
        except ZhiwenError as error:
            return ReadyPartOut(part=part, ok=False, code=error_code(error))
        return ReadyPartOut(part=part, ok=True)

    def _check_store(self) -> None:
        lives = [live for store in self._stores if (live := store.live())]
        if not lives:
            raise StoreEmpty
        if not any(can_search(self._embedder, live.fingerprint) for live in lives):
            raise EmbedderMismatch

    def _check_embedder(self) -> None:
        if not self._is_embedder_warm:
            self._embedder.embed_query("知问")
            self._is_embedder_warm = True


def add_health(app: FastAPI, *, stores: Sequence[Store], embedder: Embedder, drain: Drain, keys: Keys) -> None:
    """Add the probes `/health/live` and `/health/ready`; `stores` are those of the knowledge bases."""
    readiness = Readiness(stores, embedder)

    @app.get("/health/live", responses=ERRORS, tags=["service"])
    async def live() -> LiveResponse:
        """The process runs and serves; restart it if it does not."""
        return LiveResponse(live=True)

    @app.get("/health/ready", response_model=ReadyResponse, responses=ERRORS | _NOT_READY, tags=["service"])
    async def ready() -> JSONResponse:
        """Whether questions can be answered now: the store is reached, the embedder loaded, a generation live.

        A server that waits for its first API key is not ready either.
        """
        found = await readiness.check()
        if drain.is_stopping:
            found.append(ReadyPartOut(part="service", ok=False, code="stopping"))
        if keys.awaits_first:
            found.append(ReadyPartOut(part="keys", ok=False, code="key_missing"))
        is_ready = all(part.ok for part in found)
        body = ReadyResponse(ready=is_ready, parts=found)
        return JSONResponse(body.model_dump(), status_code=200 if is_ready else 503)
