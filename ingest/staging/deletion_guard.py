"""Protects the index against losing a folder, not against work in it.

A disk that is not mounted or a path that is wrong looks like a folder in which most documents are deleted. Such
deletions wait until somebody says that they are meant; everything else goes in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ingest.files.scan import FolderScan
from ingest.staging.plan import Plan, content_hash
from rag.errors import DocumentError, KnowledgeError
from rag.knowledge_base_names import DEFAULT, option_of
from rag.store.records import Commit, DocumentRecord

MAX_DELETED_SHARE = 0.2
_MIN_HELD_BACK = 10


def lost_documents(found: FolderScan, documents: Mapping[str, DocumentRecord], *, max_bytes: int) -> tuple[str, ...]:
    """Return the documents that are gone with their content, by source.

    Not lost is what another file of the folder holds byte for byte: it was renamed, moved or copied. Of the files, only
    those with the size of a missing document are read, up to `max_bytes`.
    """
    missing = (source for source in documents if source not in found.by_source)
    gone = [documents[source] for source in missing if not found.hides(source)]
    if not gone:
        return ()
    sizes = {record.size for record in gone}
    elsewhere = set()
    for file in found.files:
        record = documents.get(file.source)
        if record and (file.size, file.modified_ns) == (record.size, record.modified_ns):
            elsewhere.add(record.content_hash)
        elif file.size in sizes:
            try:
                elsewhere.add(content_hash(file.read(max_bytes)))
            except DocumentError:
                continue  # the ingest names it
    return tuple(sorted(record.source for record in gone if record.content_hash not in elsewhere))


def hold_back_deletions(plan: Plan, lost: Sequence[str], live: Commit) -> Plan:
    """Return the plan without the deletions of the lost documents if these are too many.

    Too many are ten or more, if they are more than a fifth of the documents. While some are held back, documents that
    are added meanwhile do not make the others fewer.
    """
    if len(lost) < _MIN_HELD_BACK or len(lost) <= documents_to_keep(live) * MAX_DELETED_SHARE:
        return plan
    held_back = set(lost)
    removed = tuple(source for source in plan.removed if source not in held_back)
    return replace(plan, removed=removed, held_back=tuple(lost))


def documents_to_keep(live: Commit) -> int:
    """Return how many documents there were before the first ones were held back that still are."""
    return live.documents_before_loss or live.documents


def check_same_folder(lost: Sequence[str], live: Commit, root: str, knowledge_base: str) -> None:
    """Raise KnowledgeError if the live generation was made from another folder that has little to do with this one."""
    if live.root == root or 2 * len(lost) <= live.documents:
        return
    is_default = knowledge_base == DEFAULT
    place = "set another store.collection (ZHIWEN_STORE__COLLECTION)" if is_default else "declare a knowledge base"
    raise KnowledgeError(
        f"{len(lost)} of {live.documents} documents are gone from the folder; nothing was changed. "
        f"The index was made from {live.root}, the folder now is {root}: for a second folder {place}; to replace the "
        f"first, or what was imported, run `zhiwen ingest{option_of(knowledge_base)} --allow-mass-deletion`"
    )
