"""The nouns that travel through the system: chunk, hit, passage, citation, answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ChunkKind = Literal["text", "list", "code", "table", "row"]

Scalar = str | int | float | bool | None
MetadataValue = Scalar | list[Scalar]

PATH_SEPARATOR = " › "
# The context takes room from the content; this keeps it under the input of the smallest models, 128 tokens.
MAX_CONTEXT_CHARACTERS = 96


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one document, small enough for one embedding.

    Lines are 1-based and inclusive. `position` orders the chunks of a document; `group` is shared by the chunks
    that were cut from the same block (the rows of a table and the table itself, the parts of a long list).
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

    @property
    def context(self) -> str:
        """Where the passage stands: title and headings, outermost first, none twice in a row.

        Where that is too long, the outermost are left out.
        """
        names = [name for name in (self.title, *self.heading_path) if name]
        distinct = [name for name, before in zip(names, ["", *names], strict=False) if name != before]
        while len(distinct) > 1 and len(PATH_SEPARATOR.join(distinct)) > MAX_CONTEXT_CHARACTERS:
            del distinct[0]
        return PATH_SEPARATOR.join(distinct)[:MAX_CONTEXT_CHARACTERS]

    @property
    def searchable_text(self) -> str:
        """What is embedded and indexed: the context on the first line, then the content."""
        return f"{self.context}\n{self.content}" if self.context else self.content


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
    """A numbered piece of evidence, as it is shown to the chat model and cited as `[number]`."""

    number: int
    hit: Hit

    @property
    def chunk(self) -> Chunk:
        return self.hit.chunk


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a statement of an answer comes from. `quote` stands word for word in the cited chunk."""

    number: int
    source: str
    heading_path: tuple[str, ...]
    anchor: str
    start_line: int
    end_line: int
    quote: str
    url: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counts them, reasoning among those of the completion.

    `cost` is in the currency of the configured prices, None if the model has none.
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
    """One call of a chat model, and how it ended: well, or with the `problem` that its error named.

    `declined` means that it was left when it went on after declining, `truncated` that the answer stops at its length
    limit. `first_token_seconds` is None if nothing came.
    """

    model: str
    outcome: Outcome
    seconds: float
    first_token_seconds: float | None = None
    usage: Usage | None = None
    problem: str = ""


RewrittenBy = Literal["model", "rule"]
"""Who made a follow-up into a question of its own."""

RefusalReason = Literal["no_evidence", "model_declined", "no_citation", "unsupported"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person gets: text with `[n]` markers and a citation for each, or a refusal with its reason.

    `unverified` are the sentences of the text, as they stand in it, that the passages they cite do not support;
    `truncated` if the text stops at the length limit; `attempts` are the calls of chat models that it took, none where
    it is `cached`; `seconds` are by stage.
    """

    text: str
    citations: tuple[Citation, ...]
    model: str
    generation: int
    trace_id: str
    reason: RefusalReason | None = None
    unverified: tuple[str, ...] = ()
    truncated: bool = False
    attempts: tuple[Attempt, ...] = ()
    cached: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return self.reason is not None

    @property
    def usage(self) -> Usage | None:
        """Of all attempts together; None where no provider counted."""
        counted = [attempt.usage for attempt in self.attempts if attempt.usage]
        return sum(counted[1:], counted[0]) if counted else None
