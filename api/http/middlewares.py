"""The middleware stack: everything between the network and the routes."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.guard.authentication import AuthenticationMiddleware
from api.guard.body_limit import BodyLimitMiddleware
from api.guard.concurrency_limit import AnswerLimitMiddleware, ConcurrencyLimit
from api.guard.draining import DrainingMiddleware
from api.guard.hosts import Hosts, TrustedHostsMiddleware
from api.guard.public_keys import PublicOriginsMiddleware
from api.guard.rate_limit import RateLimitMiddleware
from api.guard.reader_timeout import ReaderTimeoutMiddleware
from api.guard.security_headers import SecurityHeadersMiddleware
from api.guard.trusted_proxy import TrustedProxy
from api.http.request_path import RequestPathMiddleware, RoutePathMiddleware
from api.http.server_context import ServerContext
from api.monitoring.gauges import LoadCollector, RerankCollector, StoreCollector
from api.monitoring.metrics import Metrics, add_metrics
from api.monitoring.request_log import RequestLogMiddleware, note_answer
from api.service.audit import AuditLog
from api.service.kept_questions import observe_answers
from ingest.background import IngestRunner
from rag.models.rerankers.time_limit import TimeLimitedReranker
from rag.serve_settings import ServeSettings
from rag.wiring import Services

_CORS_METHODS = ("GET", "POST")
# Clients send headers of their own, such as X-Stainless-OS or MCP-Protocol-Version. The service uses no cookies.
_CORS_HEADERS = ("*",)
_CORS_EXPOSED = ("Retry-After", "WWW-Authenticate")


def add_middlewares(app: FastAPI, services: Services, runner: IngestRunner, context: ServerContext) -> None:
    """Guard, count and log all requests of the application, and add `/metrics`."""
    serve = services.settings.serve
    limit = ConcurrencyLimit(
        max_running=serve.max_concurrent_answers,
        max_queued=serve.max_waiting_answers,
        queue_timeout_seconds=serve.waiting_timeout_seconds,
    )
    metrics = Metrics()
    metrics.registry.register(StoreCollector({name: each.store for name, each in services.knowledge_bases.items()}))
    metrics.registry.register(LoadCollector(limit))
    if isinstance(services.reranker, TimeLimitedReranker):
        metrics.registry.register(RerankCollector(services.reranker.calls))
    services.traces.observe(metrics.count_answer)
    services.traces.observe(note_answer)
    observe_answers(services.traces, services.questions, services.document_uses)
    services.traces.observe_searches(metrics.count_search)
    runner.observe(metrics.count_ingest)
    add_metrics(app, metrics)
    _add_stack(app, serve, context, limit, metrics)


def _add_stack(
    app: FastAPI, serve: ServeSettings, context: ServerContext, limit: ConcurrencyLimit, metrics: Metrics
) -> None:
    """Add the middlewares from the inside out: Starlette wraps each around those added before it."""
    app.add_middleware(RoutePathMiddleware)
    app.add_middleware(AnswerLimitMiddleware, limit=limit)
    app.add_middleware(BodyLimitMiddleware, max_bytes=serve.max_body_bytes, timeout_seconds=serve.body_timeout_seconds)
    app.add_middleware(
        RateLimitMiddleware,
        per_minute=serve.requests_per_minute,
        public_per_minute=serve.public_requests_per_minute,
    )
    proxy = TrustedProxy(serve.proxy_key, serve.groups_header, serve.user_header) if serve.proxy_key else None
    app.add_middleware(AuthenticationMiddleware, keys=context.keys, proxy=proxy)
    app.add_middleware(DrainingMiddleware, drain=context.drain)
    if serve.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=serve.cors_origins,
            allow_methods=_CORS_METHODS,
            allow_headers=_CORS_HEADERS,
            expose_headers=_CORS_EXPOSED,
        )
    app.add_middleware(PublicOriginsMiddleware, keys=context.keys)
    app.add_middleware(TrustedHostsMiddleware, hosts=Hosts(serve, checks_origin=context.keys.is_open))
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(ReaderTimeoutMiddleware, timeout_seconds=serve.reader_timeout_seconds)
    app.add_middleware(RequestLogMiddleware, metrics=metrics, log_text=serve.log_text, audit=AuditLog(serve))
    app.add_middleware(RequestPathMiddleware, public_url=serve.public_url)
