"""What the process that serves the application lends to it."""

from dataclasses import dataclass, field

from api.guard.connections import ConnectionLimits, Connections
from api.guard.draining import Drain
from api.guard.keys import KeyRing, Keys


def _unbounded() -> Connections:
    return Connections(ConnectionLimits(at_once=2**31, header_seconds=float("inf"), reader_seconds=float("inf")))


@dataclass(frozen=True, slots=True)
class ServerContext:
    """`instance` tells one server from another. Without keys, everybody may do everything."""

    instance: str = ""
    keys: Keys = field(default_factory=KeyRing)
    drain: Drain = field(default_factory=Drain)
    connections: Connections = field(default_factory=_unbounded)
