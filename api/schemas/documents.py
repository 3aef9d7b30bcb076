"""The documents of the live generation, as JSON."""

from pydantic import BaseModel


class DocumentSummary(BaseModel):
    """`chunks` counts the passages that the document was cut into."""

    source: str
    title: str
    chunks: int
    bytes: int
    url: str


class DocumentList(BaseModel):
    """The documents, by source."""

    generation: int
    documents: list[DocumentSummary]


class SectionOut(BaseModel):
    """A heading of a document."""

    level: int
    heading: str
    anchor: str


class DocumentOut(BaseModel):
    """`html` is safe to show. Its ids begin with `doc-`, and the first block of the lines asked for is `doc-passage`.

    `rebuilt` says that the file differs from what was ingested, so the text was put together from the index.
    """

    source: str
    title: str
    generation: int
    chunks: int
    rebuilt: bool
    url: str
    sections: list[SectionOut]
    html: str
