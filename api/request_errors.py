"""The errors of requests that the service refuses. They continue the tree of `rag/errors.py`.

    ZhiwenError
    ├── RequestRefused
    │   ├── KeyMissing
    │   ├── KeyUnknown
    │   ├── ScopeMissing
    │   ├── UntrustedHost
    │   ├── ForeignOrigin
    │   ├── TooManyRequests
    │   ├── TooManyAnswers
    │   ├── HookUnsigned
    │   └── HookUnreadable
    └── Stopping

Only `api/` raises them.
"""

from rag.errors import ZhiwenError


class RequestRefused(ZhiwenError):
    """The service refuses this request, at least for now.

    `retry_after_seconds` is how long the client should wait before the next try, 0 if trying again does not help.
    """

    def __init__(self, message: str = "", *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class KeyMissing(RequestRefused):
    """The request has no API key."""


class KeyUnknown(RequestRefused):
    """The service does not know the API key."""


class ScopeMissing(RequestRefused):
    """The API key is known but lacks `scope`."""

    def __init__(self, message: str = "", *, scope: str = "") -> None:
        super().__init__(message)
        self.scope = scope


class UntrustedHost(RequestRefused):
    """The `Host` header names a host that is not one of the service's names."""


class ForeignOrigin(RequestRefused):
    """A page of another site sent the request."""


class TooManyRequests(RequestRefused):
    """The API key has used up its requests of this minute."""


class TooManyAnswers(RequestRefused):
    """All slots for answers are taken and the queue is full, or the request waited too long in the queue."""


class HookUnsigned(RequestRefused):
    """A webhook was not made with the secret that it must know."""


class HookUnreadable(RequestRefused):
    """A webhook is not in a form that its senders use."""


class Stopping(ZhiwenError):
    """The service is shutting down."""
