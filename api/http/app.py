"""The HTTP application: all routes and middlewares over the open parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api.dify.routes import add_dify
from api.http.error_handlers import add_error_handlers
from api.http.middlewares import add_middlewares
from api.http.openapi.document import add_openapi
from api.http.routes.ask import add_questions
from api.http.routes.feedback import add_feedback
from api.http.routes.ingest import add_ingests
from api.http.routes.status import add_service
from api.http.routes.text import add_reading
from api.http.routes.traces import add_traces
from api.http.server_context import ServerContext
from api.mcp.http import add_mcp
from api.monitoring.health import add_health
from api.monitoring.telemetry import add_telemetry
from api.openai.routes import add_openai
from api.page.documents import add_docs
from api.page.routes import add_page
from ingest.runner import IngestRunner
from rag.wiring import Parts


def create_app(parts: Parts, runner: IngestRunner, context: ServerContext) -> FastAPI:
    """The application over open parts. It does not close them, except for the connections of the chat model."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(runner.stop)
        await parts.chat.close()

    app: FastAPI = FastAPIOffline(
        docs_url="/api-docs",
        redoc_url=None,
        static_url="/api-docs/assets",
        swagger_ui_oauth2_redirect_url="/api-docs/oauth2-redirect",
        title="知问 zhiwen",
        version=version("zhiwen"),
        description="Cited answers from a folder of Markdown. 基于 Markdown 知识库的带引用问答。",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    add_middlewares(app, parts, runner, context)
    add_error_handlers(app)
    add_questions(app, parts)
    add_ingests(app, parts, runner)
    add_service(app, parts, context.instance)
    add_health(app, store=parts.store, embedder=parts.embedder, drain=context.drain)
    add_traces(app, parts)
    add_reading(app, parts)
    add_openai(app, parts)
    add_dify(app, parts)
    add_mcp(app, parts)
    add_docs(app, parts, is_open=context.keys.is_open)
    add_feedback(app, parts)
    add_page(app, parts)
    add_openapi(app)
    add_telemetry(app, parts.settings.serve.otlp_endpoint, parts.traces)
    return app
