"""Whether the process lives, and whether it can answer: for probes, which have no key and are told no more."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from api.error_codes import error_code
from api.guard.draining import Drain
from api.http.error_handlers import ERRORS
from api.schemas.health import LiveResponse, ReadyPart, ReadyPartOut, ReadyResponse
from rag.errors import EmbedderMismatch, StoreEmpty, StoreTimeout, ZhiwenError
from rag.wiring import Services

_PATIENCE_SECONDS = 2.0
_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": ReadyResponse, "description": "A part is not ready; `parts` says which."}
}


class Readiness:
    """Looks at the parts that an answer needs, one look at a time, however many ask."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts
        self._looks: dict[ReadyPart, asyncio.Task[None]] = {}
        self._is_warm = False

    async def check(self) -> list[ReadyPartOut]:
        """Each part, with the code of what is wrong with it. Takes no longer than a probe waits, whatever hangs."""
        store, embedder = await asyncio.gather(
            self._seen("store", self._look_at_store, StoreTimeout("")),
            self._seen("embedder", self._look_at_embedder, None),
        )
        # An empty store is reached well enough; what is missing is something to answer from.
        lacks = store.code in (error_code(StoreEmpty()), error_code(EmbedderMismatch()))
        generation = ReadyPartOut(part="generation", ok=store.ok, code=store.code)
        return [ReadyPartOut(part="store", ok=True) if lacks else store, embedder, generation]

    async def _seen(self, part: ReadyPart, look: Callable[[], None], hangs: ZhiwenError | None) -> ReadyPartOut:
        task = self._looks.get(part)
        if task is None or task.done():
            task = self._looks[part] = asyncio.create_task(asyncio.to_thread(look))
        try:
            await asyncio.wait_for(asyncio.shield(task), _PATIENCE_SECONDS)
        except TimeoutError:
            return ReadyPartOut(part=part, ok=False, code=error_code(hangs) if hangs else "loading")
        except ZhiwenError as error:
            return ReadyPartOut(part=part, ok=False, code=error_code(error))
        return ReadyPartOut(part=part, ok=True)

    def _look_at_store(self) -> None:
        state = self._parts.store.state()
        if state is None:
            raise StoreEmpty("")
        if state.live.fingerprint != self._parts.embedder.fingerprint:
            raise EmbedderMismatch("")

    def _look_at_embedder(self) -> None:
        if not self._is_warm:
            self._parts.embedder.embed_query("知问")
            self._is_warm = True


def add_health(app: FastAPI, parts: Services, drain: Drain) -> None:
    readiness = Readiness(parts)

    @app.get("/health/live", responses=ERRORS, tags=["service"])
    async def live() -> LiveResponse:
        """The process runs and serves; restart it if it does not."""
        return LiveResponse(live=True)

    @app.get("/health/ready", response_model=ReadyResponse, responses=ERRORS | _NOT_READY, tags=["service"])
    async def ready() -> JSONResponse:
        """Whether questions can be answered now: the store is reached, the embedder loaded, a generation live."""
        found = await readiness.check()
        if drain.is_stopping:
            found.append(ReadyPartOut(part="service", ok=False, code="stopping"))
        is_ready = all(part.ok for part in found)
        body = ReadyResponse(ready=is_ready, parts=found)
        return JSONResponse(body.model_dump(), status_code=200 if is_ready else 503)
