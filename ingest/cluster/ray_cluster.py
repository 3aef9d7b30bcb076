"""Functions called on the machines of a Ray cluster. Only this module knows Ray.

A call whose process or machine dies is repeated elsewhere by Ray itself.
"""

import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rag.errors import ConfigError, IngestStopped, WorkersUnavailable, ZhiwenError
from rag.first_line import first_line
from rag.models.cpu_quota import usable_cpus
from rag.optional_packages import require_extra

T = TypeVar("T")

_CONNECT_SECONDS = 5.0
# Ray reads them when it is imported.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # otherwise a cluster that we start reports to Ray's authors
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # otherwise a death elsewhere is printed to our standard output
}


class WorkerDied(Exception):
    """Each process in which a call was tried has died."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a call keeps for itself while it runs."""

    cpus: float = 0.0
    gpus: float = 0.0


class RayCluster:
    """The machines of a cluster. Made by `connect`; for all threads."""

    def __init__(self, ray: Any, address: str) -> None:
        self._ray = ray
        self._address = address
        # As many variants as there are sorts of work.
        self._remote = lru_cache(self._make_remote)

    @property
    def cpus(self) -> int:
        """How many CPUs the machines have now, at least 1."""
        return max(int(self._resources().get("CPU", 0)), 1)

    @property
    def gpus(self) -> int:
        """How many GPUs the machines have now."""
        return int(self._resources().get("GPU", 0))

    def places(self, need: Need) -> int:
        """Return how many calls that need a whole GPU, or else a whole CPU, can run at the same time now."""
        return self.gpus if need.gpus else self.cpus

    def submit(
        self, function: Callable[..., T], *arguments: object, attempts: int = 3, need: Need = Need(cpus=1)
    ) -> Future[T]:
        """Call a function of a module in another process, when there is free somewhere what it needs.

        The future raises what the function raises, WorkerDied after `attempts` processes have died of it, and
        IngestStopped if the cluster fails.
        """
        future: Future[T] = Future()
        try:
            reference = self._remote(attempts, need).remote(function, *arguments)
        except Exception as error:  # the client of a far cluster raises whatever its connection does
            raise self._lost(error) from error
        reference.future().add_done_callback(lambda done: self._settle(future, done))
        return future

    def _make_remote(self, attempts: int, need: Need) -> Any:
        # By default a process that used a GPU ends after one call; ours keep their model.
        return self._ray.remote(
            num_cpus=need.cpus,
            num_gpus=need.gpus,
            max_retries=attempts - 1,
            max_calls=0,
            scheduling_strategy="SPREAD",
        )(_call)

    def _settle(self, future: Future[T], done: "Future[T | ZhiwenError]") -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = done.result()
        except self._deaths() as error:
            future.set_exception(WorkerDied(first_line(error)))
        except Exception as error:  # noqa: BLE001  (of Ray, or of the function; the future raises it)
            future.set_exception(self._lost(error))
        else:
            if isinstance(result, ZhiwenError):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _deaths(self) -> tuple[type[Exception], ...]:
        kinds: Any = self._ray.exceptions
        return (kinds.WorkerCrashedError, kinds.NodeDiedError, kinds.OutOfMemoryError, kinds.ObjectLostError)

    def _lost(self, error: Exception) -> Exception:
        if isinstance(error, self._ray.exceptions.RayTaskError):
            if isinstance(error.cause, ImportError):
                return WorkersUnavailable(
                    f"a machine of the Ray cluster lacks a package ({error.cause}); "
                    "install the same zhiwen with the same extras on all of them"
                )
            bug: Exception = error  # of ours, with the traceback of the other machine
            return bug
        return IngestStopped(f"the Ray cluster {self._address or 'of this machine'} failed: {first_line(error)}")

    def _resources(self) -> Mapping[str, float]:
        resources: Mapping[str, float] = self._ray.cluster_resources()
        return resources


@contextmanager
def connect(address: str) -> Iterator[RayCluster]:
    """Connect to a cluster, and end the connection, and all calls, at the end.

    `address` is that of `ingest.ray_address`. Raises ConfigError if Ray is not installed, and WorkersUnavailable if the
    cluster cannot be reached.
    """
    require_extra("ray", ["ray"], purpose="ingest.engine: ray", error=ConfigError)
    # For a cluster of our own; otherwise Ray writes a token into the home folder.
    token = {} if address else {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    for name, value in (_ENVIRONMENT | token).items():
        os.environ.setdefault(name, value)
    _check_reachable(address)
    # Imported here: it takes a second.
    import ray  # noqa: PLC0415

    try:
        ray.init(**_options(address))
    except Exception as error:  # ConnectionError, RuntimeError, ValueError and others
        # The reason may be at the end of a traceback from the other side.
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        raise _unreachable(address, reason[:300]) from error
    try:
        yield RayCluster(ray, address)
    finally:
        ray.shutdown()


def _call(function: Callable[..., T], *arguments: object) -> T | ZhiwenError:
    """Runs elsewhere. Our errors are returned: Ray would mix them with a class of its own."""
    try:
        return function(*arguments)
    except ZhiwenError as error:
        return error


def _options(address: str) -> Mapping[str, object]:
    # What Ray would log, we raise or report.
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address:
        return {"address": address, **quiet}
    return {"address": "local", "num_cpus": usable_cpus(), "include_dashboard": False, **quiet}


def _check_reachable(address: str) -> None:
    """Ray itself ends the process, after a minute, if nobody listens at an address."""
    if address in ("", "auto"):
        return
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise ConfigError(f"ingest.ray_address must be auto, host:port or ray://host:port, got {address!r}")
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise _unreachable(address, error.strerror or str(error)) from error


def _unreachable(address: str, reason: str) -> WorkersUnavailable:
    where = {"": "on this machine cannot be started", "auto": "of this machine cannot be reached"}
    return WorkersUnavailable(
        f"the Ray cluster {where.get(address, f'{address} cannot be reached')} ({reason}); nothing was changed. "
        "Check ingest.ray_address, or set ingest.engine: local"
    )
