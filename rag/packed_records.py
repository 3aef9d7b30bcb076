"""Very many small records by name: as objects, a million of them take three times the memory."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, ValuesView
from itertools import chain
from typing import Generic, TypeVar

T = TypeVar("T")

_SEPARATOR = "\0"
_END = _SEPARATOR.encode()


class PackedRecords(Mapping[str, T], Generic[T]):
    """Records by name, in the order of their names. A record is made each time that it is asked for.

    `pack` returns a record as texts: the first is its name, and only the last may contain a NUL. `unpack` returns the
    record of such texts. Of several records with the same name, one is kept.
    """

    def __init__(
        self, records: Iterable[T], *, pack: Callable[[T], Sequence[str]], unpack: Callable[[Sequence[str]], T]
    ) -> None:
        self._pack = pack
        self._unpack = unpack
        self._packed: list[bytes] = []
        self._fill(map(self._to_bytes, records))

    def including(self, records: Iterable[T]) -> "PackedRecords[T]":
        """Return these records and others."""
        both = PackedRecords((), pack=self._pack, unpack=self._unpack)
        both._fill(chain(self._packed, map(self._to_bytes, records)))
        return both

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[str]:
        return (_text(_name(packed)) for packed in self._packed)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def __getitem__(self, name: str) -> T:
        packed = self._find(name)
        if packed is None:
            raise KeyError(name)
        return self._from_bytes(packed)

    def values(self) -> ValuesView[T]:
        """Return the records; this is faster than looking each of them up."""
        return _Values(self)

    def _fill(self, packed: Iterable[bytes]) -> None:
        self._packed = sorted(packed)
        following = None
        for place in range(len(self._packed) - 1, -1, -1):
            name = _name(self._packed[place])
            if name == following:
                del self._packed[place]
            following = name

    def _find(self, name: str) -> bytes | None:
        if _SEPARATOR in name:
            return None
        begin = _bytes(name) + _END
        place = bisect_left(self._packed, begin)
        found = self._packed[place] if place < len(self._packed) else b""
        return found if found.startswith(begin) else None

    def _to_bytes(self, record: T) -> bytes:
        return _bytes(_SEPARATOR.join(self._pack(record)))

    def _from_bytes(self, packed: bytes) -> T:
        return self._unpack(_text(packed).split(_SEPARATOR))


class _Values(ValuesView[T]):
    _mapping: PackedRecords[T]

    def __iter__(self) -> Iterator[T]:
        return map(self._mapping._from_bytes, self._mapping._packed)


def _name(packed: bytes) -> bytes:
    return packed.partition(_END)[0]


def _bytes(text: str) -> bytes:
    # The name of a file may have bytes that are no characters.
    return text.encode(errors="surrogatepass")


def _text(encoded: bytes) -> str:
    return encoded.decode(errors="surrogatepass")
