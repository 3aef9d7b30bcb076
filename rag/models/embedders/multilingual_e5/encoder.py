"""Token ids to mean vectors: batches for the graph, run by OpenVINO on the CPU."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rag.models.embedders.multilingual_e5.weights_file import WeightsFile, dequantise
from rag.models.embedders.protocol import Matrix

Window = Sequence[int]
"""Token ids that the model reads at once, at most `WeightsFile.max_tokens` - 2; begin and end are not among them."""

_PADDED_TO = 16
# As fast as 1,024, and takes 50 MB less.
_MAX_BATCH_TOKENS = 512


class Encoder:
    """A compiled graph with `threads` of its own. Callers in several threads do not wait for each other to end.

    Each batch is computed on a part of the threads; with `at_once`, on all, so that a single one is ready sooner.
    """

    def __init__(self, openvino: Any, file: WeightsFile, graph: Any, *, threads: int, at_once: bool = False) -> None:
        self._openvino = openvino
        self._file = file
        self._words = file.blocks("emb.word", file.hidden)
        self._positions = file.floats("emb.pos").reshape(-1, file.hidden) + file.floats("emb.type")[: file.hidden]
        settings = {
            "PERFORMANCE_HINT": "LATENCY" if at_once else "THROUGHPUT",
            "INFERENCE_NUM_THREADS": threads,
            # Pinned threads would share their core with others' while other cores are idle.
            "ENABLE_CPU_PINNING": False,
            # Activations are quantised with a scale for each 128 numbers, a third of a row.
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": 128,
        }
        self._compiled = openvino.Core().compile_model(graph, "CPU", settings)
        self._idle_queues: list[Any] = []

    def mean_vectors(self, windows: Sequence[Window]) -> Matrix:
        """Return the mean of the last layer's vectors for each window, of shape (len(windows), hidden).

        A vector is the same to the last bit whatever the other windows are. An exception from outside, such as
        KeyboardInterrupt, ends the call after the batches that have begun.
        """
        means = np.empty((len(windows), self._file.hidden), dtype=np.float32)
        with self._queue() as queue:
            for batch in _batches([len(window) + 2 for window in windows]):
                inputs = self._inputs([windows[index] for index in batch])
                queue.start_async(inputs, (means, batch))
        return means

    @contextmanager
    def _queue(self) -> Iterator[Any]:
        """Lend a queue that no other call uses: a queue knows its callers' results only by its one callback."""
        try:
            queue = self._idle_queues.pop()
        except IndexError:
            queue = self._openvino.AsyncInferQueue(self._compiled)
            queue.set_callback(_store_means)
        try:
            yield queue
        finally:
            queue.wait_all()
        self._idle_queues.append(queue)

    def _inputs(self, windows: Sequence[Window]) -> dict[str, Matrix]:
        """Return the inputs of the graph for windows that are padded to the same length."""
        file = self._file
        lengths = np.array([len(window) + 2 for window in windows])
        tokens = np.full((len(windows), _padded(int(lengths[0]))), file.padding)
        for row, window in enumerate(windows):
            tokens[row, : len(window) + 2] = [file.begin, *window, file.end]
        is_token = np.arange(tokens.shape[1]) < lengths[:, None]
        words = dequantise(self._words[tokens.ravel()]).reshape(*tokens.shape, file.hidden)
        return {
            "tokens": words + self._positions[: tokens.shape[1]],
            "mask": np.where(is_token, 0, np.finfo(np.float16).min).astype(np.float32)[:, None, None],
            "shares": (is_token / lengths[:, None]).astype(np.float32)[:, None],
        }


def _store_means(request: Any, place: tuple[Matrix, Sequence[int]]) -> None:
    means, batch = place
    means[batch] = request.get_output_tensor(0).data[:, 0]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield indices of windows that share a batch, the longest windows first.

    Only windows that are padded to the same length do: in a mixed batch, the others change the last bits of a vector.
    """
    longest_first = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    for padded, group in itertools.groupby(longest_first, key=lambda index: _padded(lengths[index])):
        indices = list(group)
        size = max(_MAX_BATCH_TOKENS // padded, 1)
        for start in range(0, len(indices), size):
            yield indices[start : start + size]


def _padded(length: int) -> int:
    return -(-length // _PADDED_TO) * _PADDED_TO
