"""The process's limit on open files, which bounds its connections."""

import resource

_RESERVED_FILES = 256
"""For the store, the chat model, documents and libraries."""


def raise_open_files_limit(connections: int) -> int:
    """Raise the limit on open files as far as `connections` need it; return how many connections it leaves room for.

    Shells and service managers often set 1,024, which a few hundred clients and their store fill.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - _RESERVED_FILES))
