"""API keys that are the same in each process."""

import hashlib

from api.service.key_entries import PREFIX


def key_of(name: str) -> str:
    """The key for a name. Test ids contain keys, and xdist wants the same ids in each of its processes."""
    return PREFIX + hashlib.sha256(name.encode()).hexdigest()[:43]


KEYS = {scope: key_of(scope) for scope in ("ask", "ingest", "admin", "metrics")}
"""One key for each scope."""
