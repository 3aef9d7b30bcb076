"""What the process that renders documents runs. It starts at the first document, so it imports little."""

from collections.abc import Sequence

from api.page.document_html import RenderedDocument, render_document
from api.page.document_names import DocumentNames
from ingest.readers.parse import parse_document
from ingest.rebuilt_document import rebuild_document
from rag.store.records import DocumentRecord
from rag.types import Chunk


def render_live(
    source: str, record: DocumentRecord, content: bytes | None, chunks: Sequence[Chunk], names: DocumentNames
) -> RenderedDocument:
    """Render the content of a file or, if that is None, what the chunks say.

    Raises DocumentError and RecursionError.
    """
    document = rebuild_document(record, chunks) if content is None else parse_document(source, content)
    return render_document(document, names=names)
