"""The server process: `zhiwen serve` from start to shutdown."""

import gc
import logging
import math
import os
import secrets
import signal
import socket
import sys
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

from api.guard.draining import Drain
from api.guard.key_reload import ReloadingKeys
from api.http.app import create_app
from api.http.background import background_work
from api.http.listener import listening_url, local_url, open_listener
from api.http.open_files_limit import raise_open_files_limit
from api.http.server_context import ServerContext
from api.monitoring.logs import configure_logs
from api.service.owner import Owner, owner_record
from ingest.background import IngestRunner
from rag.errors import StoreError, StoreTimeout, StoreUnavailable
from rag.serve_settings import ServeSettings
from rag.settings import Settings
from rag.wiring import Services

GRACE_SECONDS = 1
"""How long connections may take to close after `serve.drain_seconds`."""
_MAX_HEADER_BYTES = 64 * 1024
_SWITCH_SECONDS = 0.0005
"""How long a thread that computes keeps the interpreter from the others: a search takes it a dozen times.

With Python's 5 ms a search takes three times as long beside an answer that is checked.
"""
_GC_THRESHOLDS = (10_000, 10, 30)
"""Python has 700, 10 and 10. An answer makes thousands of objects; a full collection stops all requests for 50 ms."""

log = logging.getLogger("zhiwen.serve")


def serve(settings: Settings, *, watch: bool = False, on_listening: Callable[[str], object]) -> None:
    """Serve until SIGINT or SIGTERM; with `watch`, ingest whenever the knowledge folder changes.

    Calls `on_listening` with the URL once the server listens. It also serves without its Milvus server, its folder or
    an index, and is not ready until it has what an answer needs.

    Raises ConfigError if a setting is wrong, if the address cannot be used, or if other machines could reach it and
    there are no API keys; StoreError if the database file is damaged, in use or not writable.
    """
    owner_token = secrets.token_urlsafe(32)
    configure_logs()
    keys = ReloadingKeys(settings.serve, owner_token=owner_token)
    keys.warn_about_others(settings.knowledge_base_names)
    with Services(settings) as services:
        _ = (services.chat, services.reranker)  # a wrong setting is told before anything takes time
        _connect(services)
        services.open_all()
        runner = IngestRunner()
        context = ServerContext(uuid.uuid4().hex, keys, Drain())
        app = create_app(services, runner, context)
        _collect_garbage_rarely()
        sys.setswitchinterval(_SWITCH_SECONDS)
        with open_listener(settings.serve) as listener:
            on_listening(listening_url(listener, settings.serve.host))
            owner = Owner(local_url(listener, settings.serve.host), os.getpid(), context.instance, owner_token)
            # uvicorn raises the signal again after its shutdown. The default handler would end the process at once,
            # and nothing below would be closed.
            signal.signal(signal.SIGTERM, _exit)
            signal.signal(signal.SIGINT, _exit)

            async def before_closing() -> None:
                runner.begin_to_stop()
                await context.drain.run(settings.serve.drain_seconds)

            background = background_work(services, runner, context.pushes, watch=watch)
            with owner_record(settings, owner), background:
                _DrainingServer(_config(app, settings.serve), before_closing).run(sockets=[listener])


def _connect(services: Services) -> None:
    """Connect to the store, and begin to read small generations into memory, while the models are loaded.

    Leave a server that does not answer for later. A broken file does not mend itself.
    """
    try:
        services.store.connect()
    except (StoreUnavailable, StoreTimeout):
        if services.store.is_embedded:
            raise
        return
    for each in services.knowledge_bases.values():
        with suppress(StoreError):  # there may be no generation yet; questions are told any other error
            each.store.snapshot().keep_in_memory()


class _DrainingServer(uvicorn.Server):
    """uvicorn, with a coroutine that runs after a signal while connections are still accepted.

    uvicorn has no hook at that moment: its lifespan event comes after the connections have been closed.
    """

    def __init__(self, config: uvicorn.Config, before_closing: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._before_closing = before_closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Run the coroutine, then shut down as uvicorn does."""
        await self._before_closing()
        await super().shutdown(sockets)


def _config(app: FastAPI, settings: ServeSettings) -> uvicorn.Config:
    connections = raise_open_files_limit(settings.max_connections)
    if connections < settings.max_connections:
        log.warning("the limit on open files leaves room for %d connections; raise it with ulimit -n", connections)
    return uvicorn.Config(
        app,
        # httptools, the faster parser, does not bound the size of a header.
        http="h11",
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
        limit_concurrency=connections + 1,  # uvicorn refuses the request that reaches the limit
        timeout_keep_alive=math.ceil(settings.header_timeout_seconds),
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )


def _collect_garbage_rarely() -> None:
    """Make full collections rare, and exclude all objects that exist by now, which take 200 ms in each of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
