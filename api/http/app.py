"""The HTTP application: all routes and middlewares over the open services."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api.bots.routes import add_bots, open_bots
from api.dify.routes import add_dify
from api.http.error_handlers import add_error_handlers
from api.http.middlewares import add_middlewares
from api.http.openapi.document import add_openapi
from api.http.routes.ask import add_ask
from api.http.routes.git_hook import add_git_hook
from api.http.routes.ingest import add_ingest
from api.http.routes.instance import add_instance
from api.http.routes.operations import add_operations
from api.http.server_context import ServerContext
from api.mcp.http import add_mcp
from api.monitoring.probes import add_health
from api.monitoring.telemetry import add_telemetry
from api.openai.routes import add_openai
from api.page.document_cache import DocumentCache
from api.page.document_routes import add_documents
from api.page.gap_routes import add_gaps
from api.page.picture_routes import add_pictures
from api.page.routes import add_page
from api.version import version
from api.widget.routes import add_widget
from ingest.background import IngestRunner
from rag.wiring import Services


def create_app(services: Services, runner: IngestRunner, context: ServerContext) -> FastAPI:
    """Build the application over open services. It does not close them, except for the chat model's connections.

    Raises ConfigError if a bot cannot be opened.
    """
    bots = open_bots(services.settings.bots)
    documents = DocumentCache(max_seconds=services.settings.knowledge.max_seconds_per_document)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # By default there are four threads more than cores. With a remote embedder, answers would wait for one of them.
        threads = ThreadPoolExecutor(services.settings.serve.max_concurrent_answers, "zhiwen-answer")
        asyncio.get_running_loop().set_default_executor(threads)
        yield
        await asyncio.to_thread(runner.stop)
        await asyncio.to_thread(documents.close)
        await bots.close()
        if services.chat:
            await services.chat.close()

    app: FastAPI = FastAPIOffline(
        docs_url="/api-docs",
        redoc_url=None,
        static_url="/api-docs/assets",
        swagger_ui_oauth2_redirect_url="/api-docs/oauth2-redirect",
        title="知问 zhiwen",
        version=version(),
        description="Cited answers from a folder of Markdown. 基于 Markdown 知识库的带引用问答。",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
        strict_content_type=False,  # a body without a type is JSON
    )
    add_middlewares(app, services, runner, context)
    add_error_handlers(app)
    _add_routes(app, services, runner, context, documents)
    add_bots(app, bots, services, context.keys)
    add_openapi(app)
    add_telemetry(app, services.settings.serve.otlp_endpoint, services.traces)
    return app


def _add_routes(
    app: FastAPI, services: Services, runner: IngestRunner, context: ServerContext, documents: DocumentCache
) -> None:
    add_ask(app, services)
    add_ingest(app, services, runner)
    add_git_hook(app, services.settings, context.pushes)
    add_operations(app, services)
    add_instance(app, context.instance)
    stores = [each.store for each in services.knowledge_bases.values()]
    add_health(app, stores=stores, embedder=services.embedder, drain=context.drain, keys=context.keys)
    add_openai(app, services)
    add_dify(app, services)
    add_mcp(app, services)
    add_documents(app, services, documents, is_open=context.keys.is_open)
    add_pictures(app, services, documents)
    add_page(app, services)
    add_gaps(app, services)
    add_widget(app, services)
