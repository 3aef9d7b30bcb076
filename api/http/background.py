"""What a server does beside serving: it waits for a store that is late, and ingests changes."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from api.http.pushes import Pushes
from api.http.source_following import follow_source
from api.service.audit import SERVER, AuditLog, Subject
from api.service.ingest import IngestRequest, run_ingest
from ingest.background import IngestRunner
from ingest.watch import watch_folder
from rag.errors import IngestStopped, StoreError, StoreLocked, StoreTimeout, StoreUnavailable
from rag.store.store import Store
from rag.wiring import Services

_RETRY_INGEST_SECONDS = 0.2
_RETRY_STORE_SECONDS = 1.0
_STOP_SECONDS = 2.0

log = logging.getLogger("zhiwen.serve")


@contextmanager
def background_work(services: Services, runner: IngestRunner, pushes: Pushes, *, watch: bool) -> Iterator[None]:
    """Log whether the store is reached, and ingest a knowledge base whenever there is something new.

    A repository is always followed, a folder only with `watch`. Raises ConfigError as AuditLog does.
    """
    stop, audit = threading.Event(), AuditLog(services.settings.serve)

    def work() -> None:
        wait_for_store(services.store, stop)
        threads = [
            threading.Thread(
                target=_look_after,
                args=(each, name, runner.of(name), pushes, audit, stop),
                kwargs={"watch": watch},
                daemon=True,
            )
            for name, each in services.knowledge_bases.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    worker = threading.Thread(target=work, name="background", daemon=True)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        for name in services.knowledge_bases:
            pushes.note(name)  # wakes the thread that waits for one
        worker.join(_STOP_SECONDS)  # it may wait for a store that does not answer


def _look_after(
    services: Services,
    name: str,
    runner: IngestRunner,
    pushes: Pushes,
    audit: AuditLog,
    stop: threading.Event,
    *,
    watch: bool,
) -> None:
    settings = services.settings.knowledge
    root, poll = settings.path, services.settings.serve.watch_poll

    def ingest() -> None:
        _ingest(services, name, runner, audit, stop)

    if settings.source_url:
        follow_source(settings, name, runner, ingest, pushes, stop)
    elif watch:
        watch_folder(root, ingest, stop, poll=poll)
    elif not stop.is_set() and not root.is_dir():
        log.warning("%s does not exist; questions are answered from the index, but nothing can be ingested", root)


def wait_for_store(store: Store, stop: threading.Event) -> None:
    """Return once the store answers, or `stop` is set. Log once what it waits for, and once that it is over."""
    is_waiting = False
    while not stop.is_set():
        try:
            store.state()
        except StoreError as error:
            if not is_waiting:
                log.warning("waiting for the store: %s", error)
            is_waiting = True
            stop.wait(_RETRY_STORE_SECONDS)
        else:
            if is_waiting:
                log.info("the store answers")
            return


def _ingest(services: Services, name: str, runner: IngestRunner, audit: AuditLog, stop: threading.Event) -> None:
    """Ingest; if the store fails meanwhile, again when it is back."""
    while not stop.is_set():
        try:
            runner.start(
                lambda on_plan, on_progress: run_ingest(
                    services, IngestRequest(knowledge_base=name), on_plan=on_plan, on_progress=on_progress
                )
            )
        except IngestStopped:
            return
        except StoreLocked:
            # Another ingest runs. It may have missed the change, so this one follows.
            stop.wait(_RETRY_INGEST_SECONDS)
            continue
        audit.note("ingested", SERVER, subject=Subject((name,)))
        runner.wait()
        if not isinstance(runner.state.error, StoreUnavailable | StoreTimeout):
            return
        stop.wait(_RETRY_STORE_SECONDS)
        wait_for_store(services.store, stop)
