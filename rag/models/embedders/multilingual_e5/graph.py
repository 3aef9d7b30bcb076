"""The twelve layers of multilingual-e5-small as a graph of OpenVINO, built in memory from the weights file."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rag.models.embedders.multilingual_e5.weights_file import WeightsFile, dequantise


def build_graph(openvino: Any, file: WeightsFile) -> Any:
    """Return an `openvino.Model` from embedded tokens to the mean vector of each text; lengths and batch are dynamic.

    Inputs, all float32: `tokens` (texts, length, hidden), word and position embeddings added up; `mask` (texts, 1, 1,
    length), 0 for a token and a large negative number for padding; `shares` (texts, 1, length), what each token
    contributes to the mean. Output: (texts, 1, hidden).

    Matrices are in int8 with a scale for each output. OpenVINO's CPU plugin multiplies them with activations that it
    quantises as it goes, where the processor has instructions for that.
    """
    return _Builder(openvino, file).model()


class _Builder:
    def __init__(self, openvino: Any, file: WeightsFile) -> None:
        self._openvino = openvino
        self._op = openvino.opset13
        self._file = file
        head = file.hidden // file.heads
        self._by_head = self._integers(0, 0, file.heads, head)
        self._together = self._integers(0, 0, file.hidden)
        self._swap = self._integers(0, 2, 1, 3)
        self._score_scale = self._constant(np.array(head**-0.5, np.float32))

    def model(self) -> Any:
        file, op = self._file, self._op
        tokens = self._parameter("tokens", -1, -1, file.hidden)
        mask = self._parameter("mask", -1, 1, 1, -1)
        shares = self._parameter("shares", -1, 1, -1)
        x = self._normalised(tokens, "emb.ln")
        for layer in range(file.layers):
            attended = self._linear(self._attention(x, mask, f"l{layer}."), [f"l{layer}.ao"], file.hidden)
            x = self._normalised(op.add(x, attended), f"l{layer}.aln")
            inner = op.gelu(self._linear(x, [f"l{layer}.fi"], file.hidden), "erf")
            x = self._normalised(op.add(x, self._linear(inner, [f"l{layer}.fo"], file.inner)), f"l{layer}.oln")
        return self._openvino.Model([op.matmul(shares, x, False, False)], [tokens, mask, shares], "multilingual-e5")

    def _attention(self, x: Any, mask: Any, layer: str) -> Any:
        op = self._op
        joined = self._linear(x, [f"{layer}q", f"{layer}k", f"{layer}v"], self._file.hidden)
        parts = op.split(joined, self._constant(np.array(2, np.int64)), 3).outputs()
        query, key, value = (op.transpose(op.reshape(part, self._by_head, True), self._swap) for part in parts)
        mixed = op.scaled_dot_product_attention(query, key, value, mask, self._score_scale, causal=False)
        return op.reshape(op.transpose(mixed, self._swap), self._together, True)

    def _linear(self, x: Any, names: Sequence[str], inputs: int) -> Any:
        """Return x · matrixᵀ + bias; several matrices stand one above the other."""
        op = self._op
        matrix = np.concatenate([dequantise(self._file.blocks(f"{name}.w", inputs)) for name in names])
        bias = np.concatenate([self._file.floats(f"{name}.b") for name in names])
        scale = np.abs(matrix).max(axis=1, keepdims=True) / 127
        quantised = self._constant(np.rint(matrix / scale).astype(np.int8))
        weights = op.multiply(op.convert(quantised, self._openvino.Type.f32), self._constant(scale))
        return op.add(op.matmul(x, weights, False, True), self._constant(bias.reshape(1, 1, -1)))

    def _normalised(self, x: Any, name: str) -> Any:
        op = self._op
        weight, bias = (self._constant(self._file.floats(f"{name}.{part}").reshape(1, 1, -1)) for part in "wb")
        unit = op.mvn(x, self._integers(-1), True, self._file.epsilon, "inside_sqrt")
        return op.add(op.multiply(unit, weight), bias)

    def _parameter(self, name: str, *shape: int) -> Any:
        parameter = self._op.parameter(self._openvino.PartialShape(list(shape)), self._openvino.Type.f32, name=name)
        parameter.get_output_tensor(0).set_names({name})
        return parameter

    def _integers(self, *values: int) -> Any:
        return self._constant(np.array(values, np.int64))

    def _constant(self, value: np.ndarray[Any, Any]) -> Any:
        return self._op.constant(value)
