"""What a process that embeds may die of."""

import os
import signal
from collections.abc import Sequence

import numpy as np

from rag.models.embedders.protocol import Matrix


def embed(texts: Sequence[str]) -> Matrix:
    """The length of each text. A text that holds "nightshade" kills the process."""
    if any("nightshade" in text for text in texts):
        os.kill(os.getpid(), signal.SIGKILL)
    return np.array([[len(text)] for text in texts], np.float32)
