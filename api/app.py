"""The HTTP surface, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api.docs import add_docs
from api.error_answers import add_error_answers
from api.feedback import add_feedback
from api.ingests import add_ingests
from api.limits import BodyLimit
from api.page import add_page
from api.questions import add_questions
from api.service import add_service
from api.traces import add_traces
from ingest.runner import IngestRunner
from rag.wiring import Parts


def create_app(parts: Parts, runner: IngestRunner, *, instance: str = "") -> FastAPI:
    """The application over open parts; whoever opened them closes them. `instance` tells one server from another."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(runner.stop)
        await parts.chat.close()

    app: FastAPI = FastAPIOffline(
        docs_url="/api-docs",
        redoc_url=None,
        static_url="/api-docs/assets",
        title="知问 zhiwen",
        version=version("zhiwen"),
        description="Cited answers from a folder of Markdown. 基于 Markdown 知识库的带引用问答。",
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit, max_bytes=parts.settings.serve.max_body_bytes)
    add_error_answers(app)
    add_questions(app, parts)
    add_ingests(app, parts, runner)
    add_service(app, parts, instance)
    add_traces(app, parts)
    add_docs(app, parts)
    add_feedback(app, parts)
    add_page(app, parts)

    return app
