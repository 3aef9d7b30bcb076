"""The documents of the live generation, as JSON."""

from pydantic import BaseModel


class DocumentSummary(BaseModel):
    """A document. `chunks` is the number of passages that it was split into, `bytes` the size of the file."""

    source: str
    title: str
    chunks: int
    bytes: int
    url: str


class DocumentList(BaseModel):
    """All documents, ordered by source."""

    generation: int
    documents: list[DocumentSummary]


class SectionOut(BaseModel):
    """A heading of a document."""

    level: int
    heading: str
    anchor: str


class DocumentOut(BaseModel):
    """A rendered document. `html` is sanitised; its ids begin with `doc-`.

    The first block of the requested lines has the id `doc-passage`. `rebuilt` is true if the file has changed since it
    was ingested, so that the text comes from the index.
    """

    source: str
    title: str
    generation: int
    chunks: int
    rebuilt: bool
    url: str
    sections: list[SectionOut]
    html: str
