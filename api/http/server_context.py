"""What the application needs to know of the server process that runs it."""

from dataclasses import dataclass, field

from api.guard.draining import Drain
from api.guard.keys import KeyRing, Keys
from api.http.pushes import Pushes


@dataclass(frozen=True, slots=True)
class ServerContext:
    """`instance` tells one server process from another. If `keys` are empty, everybody may do everything.

    `pushes` are those that webhooks report.
    """

    instance: str = ""
    keys: Keys = field(default_factory=KeyRing)
    drain: Drain = field(default_factory=Drain)
    pushes: Pushes = field(default_factory=Pushes)
