"""Running the HTTP surface."""

import gc
import logging
import os
import secrets
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import uvicorn

from api.guard.connections import BoundedProtocol, BoundedServer, ConnectionLimits, Connections, allow_open_files
from api.guard.draining import Drain
from api.guard.key_reload import ReloadingKeys
from api.http.app import create_app
from api.http.server_context import ServerContext
from api.monitoring.logs import configure_logs
from api.schemas.ingest import IngestRequest
from api.service.ingest import run_ingest
from api.service.owner import Owner, owner_record
from ingest.runner import IngestRunner
from ingest.watch import watch_folder
from rag.errors import ConfigError, IngestStopped, StoreLocked
from rag.settings import ServeSettings, Settings
from rag.wiring import Services

GRACE_SECONDS = 1
"""For what is still there after `serve.drain_seconds`: connections that do not close."""
_BUSY_SECONDS = 0.2
_SEND_BUFFER_BYTES = 256 * 1024

log = logging.getLogger("zhiwen.serve")


def serve(settings: Settings, *, watch: bool = False, on_listening: Callable[[str], object]) -> None:
    """Serve until SIGINT or SIGTERM; with `watch`, re-ingest whenever the knowledge folder changes.

    `on_listening` gets the address once it is listened on. Raises ConfigError if it cannot be, or must not be without
    API keys.
    """
    host, port = settings.serve.host, settings.serve.port
    token = secrets.token_urlsafe(32)
    keys = ReloadingKeys(settings.serve, owner_token=token)
    configure_logs()
    with Services(settings) as parts:
        parts.open_all()
        runner = IngestRunner()
        hosting = ServerContext(uuid.uuid4().hex, keys, Drain(), Connections(_limits(settings.serve)))
        config = uvicorn.Config(
            create_app(parts, runner, hosting),
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        _keep_out_of_collections()
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family, backlog=config.backlog)
        except OSError as error:
            raise ConfigError(
                f"{host}:{port} cannot be listened on; is it taken? Choose another with --port"
            ) from error
        # Its connections have the same. The kernel would let each client that does not read take several megabytes.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        # Else a body waits 40 ms for the acknowledgement of its header.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listener.getsockname()[1]
        on_listening(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        owner = Owner(_own_address(host, port), os.getpid(), hosting.instance, token)
        # uvicorn raises the signal that ended it once more; the default would then skip what is closed below.
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)

        async def before_closing() -> None:
            runner.begin_to_stop()
            await hosting.drain.run(settings.serve.drain_seconds)

        with owner_record(settings, owner), _watching(parts, runner) if watch else _not_watching():
            BoundedServer(config, hosting.connections, before_closing=before_closing).run(sockets=[listener])


def _limits(settings: ServeSettings) -> ConnectionLimits:
    at_once = allow_open_files(settings.max_connections)
    if at_once < settings.max_connections:
        log.warning("the limit on open files leaves room for %d connections; raise it with ulimit -n", at_once)
    return ConnectionLimits(at_once, settings.header_timeout_seconds, settings.reader_timeout_seconds)


def _keep_out_of_collections() -> None:
    """Leave what is loaded by now to the end of the process; looking for garbage in it takes 200 ms each time."""
    gc.collect()
    gc.freeze()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _own_address(host: str, port: int) -> str:
    """Where this machine reaches the server."""
    if host in ("0.0.0.0", ""):  # noqa: S104  (compared, not bound)  # nosec B104
        return f"http://127.0.0.1:{port}"
    if host == "::":
        return f"http://[::1]:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _watching(parts: Services, runner: IngestRunner) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            try:
                runner.start(
                    lambda on_plan, on_progress: run_ingest(
                        parts, IngestRequest(), on_plan=on_plan, on_progress=on_progress
                    )
                )
            except IngestStopped:
                return
            except StoreLocked:
                stop.wait(_BUSY_SECONDS)  # an ingest that somebody asked for; what changed meanwhile comes after it
                continue
            runner.wait()
            return

    watcher = threading.Thread(
        target=watch_folder, args=(parts.settings.knowledge.path, run, stop), name="watch", daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


@contextmanager
def _not_watching() -> Iterator[None]:
    yield
