"""Tells whoever follows a source that something was pushed to it."""

import threading
from collections import defaultdict


class Pushes:
    """What webhooks have told, by knowledge base. Safe to use from several threads."""

    def __init__(self) -> None:
        self._events: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._lock = threading.Lock()

    def note(self, knowledge_base: str) -> None:
        """Note a push, and wake who waits for one."""
        self._event(knowledge_base).set()

    def wait(self, knowledge_base: str, seconds: float | None) -> None:
        """Return at the next push, at once if there was one since the last call, or after so many seconds."""
        event = self._event(knowledge_base)
        event.wait(seconds)
        event.clear()

    def _event(self, knowledge_base: str) -> threading.Event:
        with self._lock:
            return self._events[knowledge_base]
