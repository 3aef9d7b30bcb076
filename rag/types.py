"""The values that all packages share: chunk, hit, passage, citation, attempt, answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from rag.knowledge_base_names import DEFAULT
from rag.soft_breaks import join_soft_breaks

ChunkKind = Literal["text", "list", "code", "table", "row"]

Scalar = str | int | float | bool | None
MetadataValue = Scalar | list[Scalar]

PATH_SEPARATOR = " › "
MAX_CONTEXT_CHARACTERS = 96
"""The context is embedded with the content; this leaves room for the content in the smallest models (128 tokens)."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of one document, small enough for one embedding.

    Lines count from 1 and include the last. `position` orders the chunks of a document. Chunks that were cut from the
    same block share a `group`: the rows of a table and the table itself, or the parts of a long list.
    """

    id: str
    source: str
    title: str
    heading_path: tuple[str, ...]
    anchor: str
    kind: ChunkKind
    position: int
    group: str
    start_line: int
    end_line: int
    content: str
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    line_numbers: str = ""
    """The lines of the file that each line of the content stands for, as `3 4-5 5 7`; "" if that is unknown.

    A line that is repeated from an earlier part of the block, such as the header of a long table, has 0."""
    knowledge_base: str = DEFAULT
    """The knowledge base that it was read from. It is not stored with the chunk."""
    commit: str = ""
    """The `label` of its generation, such as a commit; "" for one of a folder. It is not stored either."""

    @property
    def group_key(self) -> str:
        """The group after its knowledge base and `/`: a file that two of them have is two documents."""
        return f"{self.knowledge_base}/{self.group}"

    @property
    def section_key(self) -> tuple[str, ...]:
        """What the chunks of one section have in common, and no other: knowledge base, document and headings."""
        return (self.knowledge_base, self.source, *self.heading_path)

    @property
    def context(self) -> str:
        """Title and headings, outermost first, without a repetition in a row.

        If they are longer than `MAX_CONTEXT_CHARACTERS`, the outermost are left out.
        """
        return _context(self.title, self.heading_path)

    @property
    def searchable_text(self) -> str:
        """The text that is embedded and indexed: the context on the first line, then the content.

        A line break after a Chinese sentence would only blur its embedding.
        """
        text = join_soft_breaks(self.content)
        return f"{self.context}\n{text}" if self.context else text


@lru_cache(maxsize=1024)
def _context(title: str, heading_path: tuple[str, ...]) -> str:
    names = [name for name in (title, *heading_path) if name]
    distinct = [name for name, before in zip(names, ["", *names], strict=False) if name != before]
    while len(distinct) > 1 and len(PATH_SEPARATOR.join(distinct)) > MAX_CONTEXT_CHARACTERS:
        del distinct[0]
    return PATH_SEPARATOR.join(distinct)[:MAX_CONTEXT_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found for a question.

    `score` (0..1) orders the hits of one question. `cosine` is the similarity of the embeddings (-1..1), `coverage` the
    share of the question's terms that are in the chunk, weighted by idf (0..1), `bm25` the score of the lexical search
    (0 if that did not find the chunk).
    """

    chunk: Chunk
    score: float
    cosine: float
    coverage: float
    bm25: float = 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """A numbered piece of evidence: the chat model reads it, and an answer cites it as `[number]`."""

    number: int
    hit: Hit

    @property
    def chunk(self) -> Chunk:
        """The chunk of the hit."""
        return self.hit.chunk


@dataclass(frozen=True, slots=True)
class Citation:
    """The source of a statement in an answer. The cited chunk has the `quote` word for word.

    `date` is the day of the document, as `2026-01-31`; "" if it is not known.
    """

    number: int
    source: str
    heading_path: tuple[str, ...]
    anchor: str
    start_line: int
    end_line: int
    quote: str
    url: str
    date: str = ""
    knowledge_base: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of a call as the provider counts them; reasoning counts as completion.

    `cost` is in the currency of the configured prices; None if the model has no price.
    """

    prompt_tokens: int
    completion_tokens: int
    cost: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        costs = [usage.cost for usage in (self, other) if usage.cost is not None]
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            sum(costs) if costs else None,
        )


Outcome = Literal[
    "answered",
    "declined",
    "looped",
    "truncated",
    "unavailable",
    "busy",
    "denied",
    "resting",
    "timeout",
    "broken",
    "garbled",
    "filtered",
    "rejected",
    "not_a_chat_model",
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a chat model and its outcome; `problem` is the message of its error, if any.

    `declined` means that the call was closed because the model went on after declining to answer, `looped` that it was
    because the model only repeated itself, `truncated` that the text stops at its length limit. `first_token_seconds`
    is None if no token came.
    """

    model: str
    outcome: Outcome
    seconds: float
    first_token_seconds: float | None = None
    usage: Usage | None = None
    problem: str = ""


RewrittenBy = Literal["model", "rule"]
"""How a follow-up was rewritten as a standalone question."""

AnswerReason = Literal["no_evidence", "model_declined", "no_citation", "unsupported", "small_talk"]
"""Why the documents do not answer a question, or `small_talk`: a greeting or thanks, which is no question to them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question: text with `[n]` markers and a citation for each, or a refusal with its `reason`.

    A reply to small talk is a refusal, too: it has no citations. `unverified` are the statements of the text that the
    passages they cite do not support. `truncated` is True if the text stops at the length limit. `attempts` are the
    calls of chat models, none if the answer is `cached`. `seconds` are by stage. `generations` has the generation of
    each knowledge base that was searched, by name; if there are several, `generation` is 0.
    """

    text: str
    citations: tuple[Citation, ...]
    model: str
    generation: int
    trace_id: str
    reason: AnswerReason | None = None
    unverified: tuple[str, ...] = ()
    truncated: bool = False
    attempts: tuple[Attempt, ...] = ()
    cached: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether the text does not come from the documents."""
        return self.reason is not None

    @property
    def usage(self) -> Usage | None:
        """The usage of all attempts together; None if no provider reported any."""
        usages = [attempt.usage for attempt in self.attempts if attempt.usage]
        return sum(usages[1:], usages[0]) if usages else None
