"""An answer for the page, as server-sent events with HTML, so that the browser need not parse Markdown."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from pydantic import BaseModel

from api.error_formats import OWN
from api.page.answer_html import AnswerRenderer, Blocks, answer_html
from api.page.event_batches import batch_ready_items
from api.public_urls import below
from api.service.ask import AskResponse
from api.sse import event
from rag.answering.answer import AnswerEvent, PassagesFound
from rag.answering.notices import refusal_text
from rag.blocking_work import compute
from rag.chat.protocol import ReasoningDelta, TextDelta
from rag.document_url import passage_url
from rag.errors import ZhiwenError
from rag.text.language import ReplyLanguage
from rag.types import Answer, Passage

_NEAREST_SECTIONS = 3
_PAUSE_FACTOR = 4
"""After rendering, a stream pauses this many times as long as the rendering took."""
_MAX_PAUSE_SECONDS = 0.25
_LONG_CHARACTERS = 1000
"""Longer text is rendered in a thread, because it would hold up other requests."""


class PassageLocation(BaseModel):
    """The place of a passage. `number` is the number of its markers in the answer."""

    number: int
    source: str
    title: str
    heading_path: list[str]
    start_line: int
    end_line: int
    url: str

    @classmethod
    def of(cls, passage: Passage) -> "PassageLocation":
        """Return where a passage can be read."""
        chunk = passage.chunk
        return cls(
            number=passage.number,
            source=chunk.source,
            title=chunk.title,
            heading_path=list(chunk.heading_path),
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            url=passage_url(chunk),
        )


class PassagesData(BaseModel):
    """The data of the event `passages`."""

    passages: list[PassageLocation]


class ReasoningData(BaseModel):
    """The data of the event `reasoning`: a piece of text."""

    text: str


class BlocksData(BaseModel):
    """The data of the event `html`: blocks that replace all blocks of the answer from number `start` on."""

    start: int
    html: list[str]

    @classmethod
    def of(cls, blocks: Blocks) -> "BlocksData":
        """Convert rendered blocks to JSON."""
        return cls(start=blocks.start, html=list(blocks.html))


class NearestOut(BaseModel):
    """A section that is close to a question without an answer."""

    heading: str
    url: str


class AnswerData(BaseModel):
    """The data of the event `answer`: the answer, all of its blocks, and for a refusal the nearest sections."""

    answer: AskResponse
    html: list[str]
    nearest: list[NearestOut]


AnswerPart = PassagesData | ReasoningData | BlocksData | AnswerData


async def page_events(
    first: AnswerEvent, events: AsyncGenerator[AnswerEvent, None], language: ReplyLanguage, prefix: str = ""
) -> AsyncGenerator[bytes, None]:
    """Yield the event `passages`, then `reasoning` and `html` during the answer, and last `answer` or `error`.

    `language` is the language of the question; `prefix` begins the addresses of documents.
    """
    names = {PassagesData: "passages", ReasoningData: "reasoning", BlocksData: "html", AnswerData: "answer"}
    try:
        async with aclosing(answer_parts(first, events, language)) as parts:
            async for part in parts:
                yield event(names[type(part)], below(part, prefix))
    except ZhiwenError as error:
        yield OWN.last_event(error)


async def answer_parts(
    first: AnswerEvent, events: AsyncGenerator[AnswerEvent, None], language: ReplyLanguage
) -> AsyncGenerator[AnswerPart, None]:
    """Yield the passages, the pieces of the answer as blocks of HTML, and last the answer. Raises ZhiwenError."""
    passages: Sequence[Passage] = first.passages if isinstance(first, PassagesFound) else ()
    renderer = AnswerRenderer([passage.number for passage in passages])
    async with aclosing(batch_ready_items(events)) as batches:
        yield PassagesData(passages=[PassageLocation.of(passage) for passage in passages])
        async for batch in batches:
            if text := "".join(piece.text for piece in batch if isinstance(piece, ReasoningDelta)):
                yield ReasoningData(text=text)
            started = time.perf_counter()
            if text := "".join(piece.text for piece in batch if isinstance(piece, TextDelta)):
                yield BlocksData.of(await _render(renderer, text))
            if isinstance(batch[-1], Answer):
                yield await compute(_answer_data, batch[-1], passages, language)
            else:
                # Leave time for other requests. The text that arrives during the pause is rendered in one go.
                await asyncio.sleep(min(_PAUSE_FACTOR * (time.perf_counter() - started), _MAX_PAUSE_SECONDS))


async def _render(renderer: AnswerRenderer, text: str) -> Blocks:
    if renderer.unfinished_characters < _LONG_CHARACTERS:
        return renderer.feed(text)
    return await compute(renderer.feed, text)


def _answer_data(answer: Answer, passages: Sequence[Passage], language: ReplyLanguage) -> AnswerData:
    # The text of a refusal lists the nearest sections; on the page they are links.
    has_text = answer.reason in (None, "small_talk")
    text = answer.text if has_text else refusal_text(language, (), answer.reason)
    numbers = [citation.number for citation in answer.citations]
    return AnswerData(
        answer=AskResponse.of(answer),
        html=list(answer_html(text, numbers, answer.unverified)),
        nearest=[] if has_text else _nearest_sections(passages),
    )


def _nearest_sections(passages: Sequence[Passage]) -> list[NearestOut]:
    """Return the sections of the best passages, each once."""
    found = {passage.chunk.context: passage.chunk for passage in reversed(passages) if passage.chunk.context}
    nearest = list(reversed(found.items()))[:_NEAREST_SECTIONS]
    return [NearestOut(heading=heading, url=passage_url(chunk)) for heading, chunk in nearest]
