"""Lines of documents: those that hold a text, and those of a range. For agents that read as they would with files."""

from pydantic import BaseModel, Field

from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.operation import Example, Operation
from rag.document_url import document_url
from rag.errors import QuestionError
from rag.knowledge_base_names import DEFAULT
from rag.retrieval.document_lines import Line, find_lines, read_lines
from rag.store.store import Store

MAX_MATCHES = 200
MAX_LINES = 500
_MAX_CHARACTERS = 20_000
_MAX_LINE_CHARACTERS = 500
_COUNTED = 1000


class GrepRequest(KnowledgeBaseRequest):
    """A text to look for, word for word."""

    text: str = Field(
        min_length=1,
        max_length=200,
        description="The text, in any case; a `*` stands for anything within the line. It is no regular expression.",
        examples=["Milvus"],
    )
    folder: str = Field(
        default="",
        max_length=4096,
        description="How the sources of the documents begin, such as `guides/`.",
        examples=["guides/"],
    )
    limit: int = Field(default=50, ge=1, le=MAX_MATCHES, description="The number of lines.", examples=[50])


class LineOut(BaseModel):
    """A line of a document. A heading begins with `#` and has the number of the text below it."""

    source: str
    line: int
    text: str
    url: str


class GrepResponse(BaseModel):
    """The lines that hold the text, by document. `found` counts all of them; from 1,000 on, it is not exact."""

    generation: int
    found: int
    lines: list[LineOut]
    knowledge_base: str = DEFAULT


class LinesRequest(KnowledgeBaseRequest):
    """The lines of a document to read."""

    source: str = Field(min_length=1, max_length=4096, description="The document.", examples=["overview.md"])
    start: int = Field(default=1, ge=1, le=10**9, description="The first line.", examples=[80])
    count: int = Field(default=200, ge=1, le=MAX_LINES, description="The number of lines.", examples=[10])


class LinesResponse(BaseModel):
    """The lines that have text, each behind its number and a tab, up to 20,000 characters.

    Headings have no number. `end_line` is the last line shown, `last_line` that of the document.
    """

    source: str
    title: str
    start_line: int
    end_line: int
    last_line: int
    text: str
    url: str
    knowledge_base: str = DEFAULT


def grep(store: Store, request: GrepRequest) -> GrepResponse:
    """Find the lines of the live generation that hold a text. Raises QuestionError, FilterError and StoreError."""
    if not request.text.strip("* \t"):
        raise QuestionError("the text to look for is empty")
    snapshot = store.snapshot()
    found = find_lines(snapshot, request.text, folder=request.folder, most=_COUNTED)
    return GrepResponse(
        generation=snapshot.generation,
        found=len(found),
        lines=[_line(line, snapshot.knowledge_base) for line in found[: request.limit]],
        knowledge_base=snapshot.knowledge_base,
    )


def lines(store: Store, request: LinesRequest) -> LinesResponse:
    """Read lines of a document of the live generation. Raises TextNotFound and StoreError."""
    wanted = range(request.start, request.start + request.count)
    snapshot = store.snapshot()
    found = read_lines(snapshot, request.source, wanted, max_characters=_MAX_CHARACTERS)
    first, last = found.lines[0].number, found.lines[-1].number
    return LinesResponse(
        source=found.source,
        title=found.title,
        start_line=first,
        end_line=last,
        last_line=found.last_line,
        text="\n".join(_numbered(line) for line in found.lines)[: 2 * _MAX_CHARACTERS],
        url=document_url(found.source, range(first, last + 1), snapshot.knowledge_base),
        knowledge_base=snapshot.knowledge_base,
    )


def _line(line: Line, knowledge_base: str) -> LineOut:
    return LineOut(
        source=line.source,
        line=line.number,
        text=line.text[:_MAX_LINE_CHARACTERS],
        url=document_url(line.source, range(line.number, line.number + 1), knowledge_base),
    )


def _numbered(line: Line) -> str:
    return f"\t{line.text}" if line.is_heading else f"{line.number}\t{line.text}"


_LINE = "| 第一层 | 基础设施 | 向量数据库 | Milvus, PingCAP（基于 TiKV 的向量引擎） |"
GREP = Operation(
    name="grep",
    description="Find the lines of the documents that hold a text, word for word.",
    method="GET",
    path="/grep",
    request=GrepRequest,
    response=GrepResponse,
    run=lambda services, request: grep(services.store, request),
    scope="ask",
    tag="ask",
    is_answer=True,
    example=Example(
        parameters={"text": "Milvus", "folder": "overview", "limit": 50},
        response={
            "generation": 1,
            "found": 1,
            "lines": [
                {"source": "overview.md", "line": 82, "text": _LINE, "url": "/docs/overview.md?lines=82-82#passage"}
            ],
        },
        errors=("question", "filter", "knowledge_base", "live"),
    ),
)
LINES = Operation(
    name="lines",
    description="Read lines of a document, each with its number.",
    method="GET",
    path="/lines",
    request=LinesRequest,
    response=LinesResponse,
    run=lambda services, request: lines(services.store, request),
    scope="ask",
    tag="ask",
    example=Example(
        parameters={"source": "overview.md", "start": 82, "count": 1},
        response={
            "source": "overview.md",
            "title": "概述",
            "start_line": 82,
            "end_line": 82,
            "last_line": 108,
            "text": f"82\t{_LINE}",
            "url": "/docs/overview.md?lines=82-82#passage",
        },
        errors=("text", "knowledge_base", "live"),
    ),
)
