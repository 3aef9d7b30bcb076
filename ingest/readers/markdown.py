"""The reader of Markdown files."""

from ingest.readers.cleaned_text import read_text
from ingest.readers.document import Document
from ingest.readers.front_matter import split_front_matter
from rag.text.invisible import remove_invisible


def read_markdown(source: str, content: bytes) -> Document:
    """Return the Markdown of a file as it is, without its front matter.

    Raises DocumentError for an encoding or front matter that cannot be read.
    """
    parts = split_front_matter(source, read_text(source, content))
    title = parts.metadata.get("title")
    return Document(
        source=source,
        title=remove_invisible(str(title)).strip() if title else "",
        body=parts.body,
        first_line=parts.first_line,
        metadata=parts.metadata,
    )
