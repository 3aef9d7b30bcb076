"""Requests and responses of OpenAI's chat API: the fields that a knowledge base needs."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.types import Usage

MODEL = "zhiwen"
"""The model that answers from the default knowledge base, and the beginning of the ids of the others."""

_TEXT_PARTS = ("text", "input_text")


class Lenient(BaseModel):
    """A request that ignores unknown fields: clients send many."""

    model_config = ConfigDict(extra="ignore")


class ContentPart(Lenient):
    """A part of a message, such as text or an image."""

    type: str
    text: str | None = None


class ChatMessage(Lenient):
    """A message of the conversation."""

    role: str = Field(examples=["user"])
    content: str | list[ContentPart] | None = Field(
        default=None, description="A text, or a list of parts. Only parts of type `text` are read."
    )

    @property
    def text(self) -> str:
        """Return the text of the message; text parts are joined by line breaks."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "\n".join(part.text for part in self.content if part.type in _TEXT_PARTS and part.text)

    @property
    def other_parts(self) -> list[str]:
        """Return the types of the parts that are not text, such as `image_url`."""
        parts = [] if self.content is None or isinstance(self.content, str) else self.content
        return [part.type for part in parts if part.type not in _TEXT_PARTS]


class StreamOptions(Lenient):
    """Options of a stream."""

    include_usage: bool | None = False


class ChatCompletionRequest(Lenient):
    """The last user message is the question; the user and assistant messages before it are the history.

    System messages are ignored: the passages decide what an answer may rest on, not the client. Fields that are not
    listed here, such as `temperature` and `tools`, are ignored too.
    """

    model: str = Field(
        default=MODEL,
        description=f"`{MODEL}/NAME` answers from the knowledge base NAME, every other id from the default one.",
        examples=[MODEL],
    )
    messages: list[ChatMessage] = Field(
        min_length=1, examples=[[{"role": "user", "content": "向量数据库有哪些知名组件？"}]]
    )
    stream: bool | None = Field(default=False, description="Server-sent events, ended by `data: [DONE]`.")
    stream_options: StreamOptions | None = None


class UrlCitation(BaseModel):
    """The place of a marker `[n]` in the text, in characters, and what it cites. `end_index` is exclusive."""

    start_index: int
    end_index: int
    url: str
    title: str


class Annotation(BaseModel):
    """A citation as an annotation of the text."""

    type: Literal["url_citation"]
    url_citation: UrlCitation


class AssistantMessage(BaseModel):
    """An answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    reasoning_content: str | None = Field(default=None, description="The reasoning of the model before its answer.")
    annotations: list[Annotation] = []


FinishReason = Literal["stop", "length"]


class Choice(BaseModel):
    """The only choice of a completion."""

    index: Literal[0] = 0
    message: AssistantMessage
    finish_reason: FinishReason


class CompletionUsage(BaseModel):
    """The tokens that the chat model used; zero if no model was called."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, usage: Usage | None) -> "CompletionUsage":
        """Convert the usage of an answer."""
        prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        return cls(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


class ChatCompletion(BaseModel):
    """A completion with one choice."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = MODEL
    choices: list[Choice]
    usage: CompletionUsage
    trace_id: str | None = Field(default=None, description="`GET /traces/{trace_id}` explains the answer.")


class Delta(BaseModel):
    """The fields that a chunk adds to the message."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    annotations: list[Annotation] | None = None


class ChunkChoice(BaseModel):
    """The only choice of a chunk."""

    index: int
    delta: Delta
    finish_reason: FinishReason | None


class ChatCompletionChunk(BaseModel):
    """A frame of a stream. Only the last one has a `finish_reason`, a `trace_id` and, if requested, the `usage`."""

    id: str
    object: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    trace_id: str | None = None


class ModelOut(BaseModel):
    """A model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = MODEL


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[ModelOut]
