"""The manifest of a generation: the records of all its documents, which may be millions."""

import base64
import re
from collections.abc import Iterable, Sequence

from rag.packed_records import PackedRecords
from rag.store.records import DocumentRecord

_SHA256 = re.compile("[0-9a-f]{64}")
_SHORTENED, _AS_IT_IS = "#", "="


def pack_manifest(records: Iterable[DocumentRecord]) -> PackedRecords[DocumentRecord]:
    """Return the records by source. Each takes some 120 bytes, besides its source and its title."""
    packing = _Packing()
    return PackedRecords(records, pack=packing.pack, unpack=packing.unpack)


class _Packing:
    """Of a million documents, nearly all have the same pipeline fingerprint: it is kept once."""

    def __init__(self) -> None:
        self._fingerprints: list[str] = []
        self._numbers: dict[str, int] = {}

    def pack(self, record: DocumentRecord) -> Sequence[str]:
        fingerprint = record.pipeline_fingerprint
        if fingerprint not in self._numbers:
            self._numbers[fingerprint] = len(self._fingerprints)
            self._fingerprints.append(fingerprint)
        return (
            record.source,
            _shorten(record.content_hash),
            str(self._numbers[fingerprint]),
            str(record.size),
            f"{record.modified_ns:x}",
            str(record.chunks),
            record.dated,
            record.dated_by,
            record.title,
        )

    def unpack(self, texts: Sequence[str]) -> DocumentRecord:
        source, shortened, number, size, modified_ns, chunks, dated, dated_by, *title = texts
        return DocumentRecord(
            source,
            _lengthen(shortened),
            self._fingerprints[int(number)],
            int(size),
            int(modified_ns, 16),
            "\0".join(title),
            int(chunks),
            dated,
            dated_by,
        )


def _shorten(content_hash: str) -> str:
    """Return 44 characters for the 64 of a hash. What an index or a backup has instead of one stays as it is."""
    if not _SHA256.fullmatch(content_hash):
        return _AS_IT_IS + content_hash
    return _SHORTENED + base64.b64encode(bytes.fromhex(content_hash)).decode().rstrip("=")


def _lengthen(shortened: str) -> str:
    mark, rest = shortened[0], shortened[1:]
    return rest if mark == _AS_IT_IS else base64.b64decode(f"{rest}=").hex()
