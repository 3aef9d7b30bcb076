"""An answer for the widget, as server-sent events. They are public, so they say no more than a reader needs."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import BaseModel, JsonValue

from api.error_codes import error_code
from api.page.answer_events import AnswerData, BlocksData, NearestOut, answer_parts
from api.public_urls import below
from api.service.ask import CitationOut
from api.sse import event
from api.widget.element_tree import element_tree
from rag.answering.answer import AnswerEvent
from rag.errors import ZhiwenError
from rag.text.language import ReplyLanguage


class WidgetBlocks(BaseModel):
    """The data of the event `blocks`: they replace all blocks of the answer from number `start` on."""

    start: int
    blocks: list[list[JsonValue]]


class WidgetSource(BaseModel):
    """A passage that the answer cites by its number."""

    number: int
    title: str
    url: str
    date: str

    @classmethod
    def of(cls, citation: CitationOut) -> "WidgetSource":
        """Return what a reader sees of a citation."""
        return cls(number=citation.number, title=citation.heading, url=citation.url, date=citation.date)


class WidgetAnswer(BaseModel):
    """The data of the event `answer`: all blocks, and the text for the `history` of the next question."""

    blocks: list[list[JsonValue]]
    text: str
    refused: bool
    sources: list[WidgetSource]
    nearest: list[NearestOut]

    @classmethod
    def of(cls, data: AnswerData) -> "WidgetAnswer":
        """Return what a reader sees of an answer."""
        return cls(
            blocks=[element_tree(html) for html in data.html],
            text=data.answer.answer,
            refused=data.answer.refused,
            sources=[WidgetSource.of(citation) for citation in data.answer.citations],
            nearest=data.nearest,
        )


class WidgetError(BaseModel):
    """The data of the event `error`. Messages name addresses and settings, which readers of a page need not know."""

    code: str


async def widget_events(
    events: AsyncGenerator[AnswerEvent, None], language: ReplyLanguage, prefix: str
) -> AsyncGenerator[bytes, None]:
    """Yield `blocks` while the answer is written, and last `answer` or `error`. Raises no ZhiwenError.

    `language` is that of the question; `prefix` begins the addresses of documents.
    """
    try:
        async with aclosing(answer_parts(await anext(events), events, language)) as parts:
            async for part in parts:
                if isinstance(part, BlocksData):
                    blocks = [element_tree(html) for html in part.html]
                    yield event("blocks", WidgetBlocks(start=part.start, blocks=blocks))
                elif isinstance(part, AnswerData):
                    yield event("answer", below(WidgetAnswer.of(part), prefix))
    except ZhiwenError as error:
        yield event("error", WidgetError(code=error_code(error)))
