"""What goes over the wire in OpenAI's chat protocol, as far as clients of a knowledge base use it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.types import Usage

MODEL = "zhiwen"
"""The one model there is."""

_TEXT_PARTS = ("text", "input_text")


class Lenient(BaseModel):
    """Of the many fields that clients send, those that mean something here."""

    model_config = ConfigDict(extra="ignore")


class ContentPart(Lenient):
    type: str
    text: str | None = None


class ChatMessage(Lenient):
    role: str = Field(examples=["user"])
    content: str | list[ContentPart] | None = Field(
        default=None, description="A text, or a list of parts of which those of type `text` are read."
    )

    @property
    def text(self) -> str:
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "\n".join(part.text for part in self.content if part.type in _TEXT_PARTS and part.text)

    @property
    def other_parts(self) -> list[str]:
        """The types of the parts that are no text, such as `image_url`."""
        parts = [] if self.content is None or isinstance(self.content, str) else self.content
        return [part.type for part in parts if part.type not in _TEXT_PARTS]


class StreamOptions(Lenient):
    include_usage: bool | None = False


class ChatCompletionRequest(Lenient):
    """The last user message is the question, user and assistant messages before it are the history.

    System messages are ignored: what an answer may rest on is decided by the passages, not by the client. So is every
    field that is not named here (`temperature`, `tools`, …).
    """

    model: str = Field(default=MODEL, description=f"Any name will do; `{MODEL}` is the one that is listed.")
    messages: list[ChatMessage] = Field(
        min_length=1, examples=[[{"role": "user", "content": "向量数据库有哪些知名组件？"}]]
    )
    stream: bool | None = Field(default=False, description="Server-sent events, ended by `data: [DONE]`.")
    stream_options: StreamOptions | None = None


class UrlCitation(BaseModel):
    """Where in the text the marker `[n]` stands (in characters; `end_index` is behind it), and what it cites."""

    start_index: int
    end_index: int
    url: str
    title: str


class Annotation(BaseModel):
    type: Literal["url_citation"]
    url_citation: UrlCitation


class AssistantMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    reasoning_content: str | None = Field(default=None, description="What a model thought before it answered.")
    annotations: list[Annotation] = []


FinishReason = Literal["stop", "length"]


class Choice(BaseModel):
    index: Literal[0] = 0
    message: AssistantMessage
    finish_reason: FinishReason


class CompletionUsage(BaseModel):
    """Tokens of the chat model behind the answer; zeros where none was asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, usage: Usage | None) -> "CompletionUsage":
        prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        return cls(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = MODEL
    choices: list[Choice]
    usage: CompletionUsage
    trace_id: str | None = Field(default=None, description="Under which `GET /traces/{trace_id}` tells more.")


class Delta(BaseModel):
    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    annotations: list[Annotation] | None = None


class ChunkChoice(BaseModel):
    index: int
    delta: Delta
    finish_reason: FinishReason | None


class ChatCompletionChunk(BaseModel):
    """One frame of a stream. Only the last has a `finish_reason`, a `trace_id` and, if asked for, the `usage`."""

    id: str
    object: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    trace_id: str | None = None


class ModelOut(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = MODEL


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelOut]
