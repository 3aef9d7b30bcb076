"""The reader of HTML files."""

from ingest.readers.cleaned_text import read_text
from ingest.readers.document import Document


def read_html(source: str, content: bytes) -> Document:
    """Return the headings, paragraphs, lists, tables and code of a page as Markdown.

    Raises DocumentError for an encoding that cannot be read, RecursionError for elements that are nested too deeply.
    """
    # Imported here: most folders contain Markdown only.
    from ingest.readers.html_markdown import html_to_document  # noqa: PLC0415

    return html_to_document(source, read_text(source, content))
