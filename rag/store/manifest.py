"""The manifest of a generation: the records of all its documents, which may be millions."""

import base64
import re
from collections.abc import Iterable, Sequence

from rag.packed_records import PackedRecords
from rag.store.records import DocumentRecord

_SHA256 = re.compile("[0-9a-f]{64}")
_SHORTENED, _AS_IT_IS = "#", "="


def pack_manifest(records: Iterable[DocumentRecord]) -> PackedRecords[DocumentRecord]:
    """Return the records by source. Each takes some 140 bytes, besides its source and its title."""
    return PackedRecords(records, pack=_pack, unpack=_unpack)


def _pack(record: DocumentRecord) -> Sequence[str]:
    return (
        record.source,
        _shorten(record.content_hash),
        record.pipeline_fingerprint,
        str(record.size),
        str(record.modified_ns),
        str(record.chunks),
        record.dated,
        record.dated_by,
        record.title,
    )


def _unpack(texts: Sequence[str]) -> DocumentRecord:
    source, shortened, fingerprint, size, modified_ns, chunks, dated, dated_by, *title = texts
    return DocumentRecord(
        source,
        _lengthen(shortened),
        fingerprint,
        int(size),
        int(modified_ns),
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
