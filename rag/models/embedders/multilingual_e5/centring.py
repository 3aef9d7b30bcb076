"""Take from a question what all passages have in common.

The vectors of this model share one large component: two passages that have nothing to do with each other have a cosine
of .7 to .85. A passage with much of it (short, general, made of menus or figures) is near to every question. So a
share of the mean passage, which says nothing about a question, is taken from its vector; passages stay as they are. It
is the centring of "All-but-the-Top" (Mu and Viswanath, 2018), on the side of the question.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np

from rag.models.embedders.protocol import Vector

MEAN_PASSAGE = Path(__file__).with_name("mean_passage.json")
"""The mean of the vectors of passages, for two languages in equal parts: written by `python -m bench.mean_passage`."""
SHARE = 0.4
"""Between .3 and .5, questions about four sites of documentation find their passage equally often."""


def centre_question(vector: Vector) -> Vector:
    """Return a question's vector minus a share of the mean passage. Both vectors have shape (384,) and length 1."""
    centred = vector - SHARE * _mean_passage()
    return np.asarray(centred / np.linalg.norm(centred), dtype=np.float32)


@cache
def _mean_passage() -> Vector:
    return np.array(json.loads(MEAN_PASSAGE.read_text(encoding="utf-8"))["vector"], dtype=np.float32)
