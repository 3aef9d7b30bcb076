"""Measure what the passages of all sets have in common: the mean of their vectors, to centre questions.

    python -m bench.mean_passage SETS [--work DIR]

`SETS` is the folder of all sets. Sets count the same within a language, and the two languages count the same. The mean
goes to rag/models/embedders/multilingual_e5/mean_passage.json, as numbers of four digits.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from bench.evaluation_sets import load_set
from bench.index import open_index
from rag.models.embedders.multilingual_e5.centring import MEAN_PASSAGE
from rag.models.embedders.protocol import Vector
from rag.wiring import Services

SETS = {
    "zh": ("cmrc2018-dev", "stard-laws", "xquad-zh", "pingcap-knownitem", "rgb-zh-refine", "dragonball-zh"),
    "en": ("xquad-en",),
}
_DIGITS = 4


def main() -> None:
    """Ingest all sets, and write the mean of their passages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="folder of all sets")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="keep indexes in this folder")
    arguments = parser.parse_args()
    languages = []
    for names in SETS.values():
        means = []
        for name in names:
            with open_index(load_set(arguments.sets / name), arguments.work) as index:
                means.append(_mean_vector(index.services))
        languages.append(np.mean(means, axis=0))
    vector = np.mean(languages, axis=0)
    content = {"vector": [round(float(number), _DIGITS) for number in vector]}
    MEAN_PASSAGE.write_text(f"{json.dumps(content)}\n", encoding="utf-8")
    print(f"length {np.linalg.norm(vector):.3f}")


def _mean_vector(services: Services) -> Vector:
    """Return the mean of the vectors of all chunks, of shape (dimension,)."""
    snapshot = services.store.snapshot()
    total, count = np.zeros(services.embedder.dimension), 0
    for _, vector in snapshot.chunks_with_vectors(sorted(snapshot.documents())):
        total += vector
        count += 1
    return np.asarray(total / count, dtype=np.float32)


if __name__ == "__main__":
    main()
