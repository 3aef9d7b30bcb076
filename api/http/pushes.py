"""Tell the thread that follows a source that something was pushed to it."""

import threading
from collections import defaultdict


class Pushes:
    """The pushes that webhooks have reported, by knowledge base. Safe to use from several threads."""

    def __init__(self) -> None:
        self._events: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._lock = threading.Lock()

    def note(self, knowledge_base: str) -> None:
        """Note a push, and wake the thread that waits for one."""
        self._event(knowledge_base).set()

    def wait(self, knowledge_base: str, seconds: float | None) -> None:
        """Wait until there is a push since the last call, at most this many seconds; None waits without limit."""
        event = self._event(knowledge_base)
        event.wait(seconds)
        event.clear()

    def _event(self, knowledge_base: str) -> threading.Event:
        with self._lock:
            return self._events[knowledge_base]
