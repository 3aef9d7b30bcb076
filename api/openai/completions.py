"""Answers as chat completions, in one piece or as the chunks of a stream."""

import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from api.error_formats import OPENAI
from api.openai.annotations import annotations, footer
from api.openai.schemas import (
    MODEL,
    Annotation,
    AssistantMessage,
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    CompletionUsage,
    Delta,
    FinishReason,
)
from rag.answering.answer import AnswerEvent
from rag.chat.protocol import ReasoningDelta, TextDelta
from rag.errors import ZhiwenError
from rag.text.language import detect_language
from rag.types import Answer, Usage

Events = AsyncGenerator[AnswerEvent, None]


@dataclass(frozen=True, slots=True)
class AnswerStyle:
    """How to show the answer of `model` to `question`: `base` begins all links; `with_links` lists them below."""

    question: str
    base: str
    with_links: bool
    model: str = MODEL

    def footer(self, answer: Answer) -> str:
        """Return the Markdown below the text of the answer, in the language of the question."""
        return footer(answer, self.base, detect_language(self.question), with_links=self.with_links)

    def annotations(self, answer: Answer) -> list[Annotation]:
        """Return the citations of the answer as annotations."""
        return annotations(answer, self.base)


async def answer_completion(events: Events, style: AnswerStyle) -> ChatCompletion:
    """Consume the events and return the completion. Raises as `Answerer.answer`."""
    reasoning = ""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, ReasoningDelta):
                reasoning += event.text
            elif isinstance(event, Answer):
                message = AssistantMessage(
                    content=event.text + style.footer(event),
                    reasoning_content=reasoning or None,
                    annotations=style.annotations(event),
                )
                return _completion(message, _finish_reason(event), event.usage, style.model, event.trace_id)
    raise AssertionError("an answer always comes last")


def text_completion(text: str, *, model: str) -> ChatCompletion:
    """Return a completion with this text, for which no model was called."""
    return _completion(AssistantMessage(content=text), "stop", None, model)


async def answer_chunks(events: Events, style: AnswerStyle, *, with_usage: bool) -> AsyncGenerator[bytes, None]:
    """Yield the frames of a streamed answer. Each has a choice, even the one with the usage: clients rely on it.

    An error after the start is the last frame: it has no choices, and no `[DONE]` follows, since the answer is not
    complete.
    """
    stream = _Stream(style.model)
    has_text = False
    try:
        async with aclosing(events):
            yield stream.chunk(Delta(role="assistant", content=""))
            async for event in events:
                match event:
                    case ReasoningDelta(text):
                        yield stream.chunk(Delta(reasoning_content=text))
                    case TextDelta(text):
                        has_text = True
                        yield stream.chunk(Delta(content=text))
                    case Answer():
                        for chunk in _last_chunks(stream, event, style, has_text=has_text, with_usage=with_usage):
                            yield chunk
    except ZhiwenError as error:
        yield OPENAI.last_event(error)
        return
    yield _DONE


async def text_chunks(text: str, *, with_usage: bool, model: str) -> AsyncGenerator[bytes, None]:
    """Yield the frames of a stream with this text, for which no model was called."""
    stream = _Stream(model)
    yield stream.chunk(Delta(role="assistant", content=text))
    yield stream.last(None, "stop", CompletionUsage.of(None) if with_usage else None)
    yield _DONE


def _last_chunks(
    stream: "_Stream", answer: Answer, style: AnswerStyle, *, has_text: bool, with_usage: bool
) -> Iterator[bytes]:
    """Yield everything that follows the streamed text."""
    if answer.refused:
        # If text was streamed before the answer was refused, the refusal below it takes it back.
        yield stream.chunk(Delta(content=f"\n\n{answer.text}" if has_text else answer.text))
    if footer := style.footer(answer):
        yield stream.chunk(Delta(content=footer))
    if annotations := style.annotations(answer):
        # All in one chunk without content: some clients read only the first chunk with annotations, and nothing else
        # in it.
        yield stream.chunk(Delta(annotations=annotations))
    usage = CompletionUsage.of(answer.usage) if with_usage else None
    yield stream.last(answer.trace_id, _finish_reason(answer), usage)


class _Stream:
    """The id, model and time that all chunks of a stream share."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._id = _new_id()
        self._created = int(time.time())

    def chunk(self, delta: Delta) -> bytes:
        return _frame(self._chunk(delta, None))

    def last(self, trace_id: str | None, finish_reason: FinishReason, usage: CompletionUsage | None) -> bytes:
        chunk = self._chunk(Delta(), finish_reason)
        if trace_id:
            chunk.trace_id = trace_id
        if usage:
            chunk.usage = usage
        return _frame(chunk)

    def _chunk(self, delta: Delta, finish_reason: FinishReason | None) -> ChatCompletionChunk:
        return ChatCompletionChunk(
            id=self._id,
            object="chat.completion.chunk",
            created=self._created,
            model=self._model,
            choices=[ChunkChoice(index=0, delta=delta, finish_reason=finish_reason)],
        )


_DONE = format_sse_event(data_str="[DONE]")


def _frame(data: BaseModel) -> bytes:
    # A delta contains only the fields that it sets.
    return format_sse_event(data_str=data.model_dump_json(exclude_unset=True))


def _completion(
    message: AssistantMessage,
    finish_reason: FinishReason,
    usage: Usage | None,
    model: str,
    trace_id: str | None = None,
) -> ChatCompletion:
    return ChatCompletion(
        id=_new_id(),
        created=int(time.time()),
        model=model,
        choices=[Choice(message=message, finish_reason=finish_reason)],
        usage=CompletionUsage.of(usage),
        trace_id=trace_id,
    )


def _finish_reason(answer: Answer) -> FinishReason:
    return "length" if answer.truncated else "stop"


def _new_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"
