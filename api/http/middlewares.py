"""What stands between the network and the routes, from the outside inwards."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.guard.authentication import AuthenticationMiddleware
from api.guard.body_limit import BodyLimitMiddleware
from api.guard.concurrency_limit import AnswerLimitMiddleware, ConcurrencyLimit
from api.guard.door import Door
from api.guard.draining import DrainingMiddleware
from api.guard.hosts import Hosts, TrustedHostsMiddleware
from api.guard.rate_limit import RateLimitMiddleware
from api.guard.security_headers import SecurityHeadersMiddleware
from api.http.server_context import ServerContext
from api.monitoring.metrics import LoadCollector, Metrics, StoreCollector, add_metrics
from api.monitoring.request_log import RequestLines, RequestLogMiddleware, note_answer
from ingest.runner import IngestRunner
from rag.settings import ServeSettings
from rag.wiring import Services

_CORS_METHODS = ("GET", "POST")
# Clients bring headers of their own, such as X-Stainless-OS or MCP-Protocol-Version. Nothing rests on cookies.
_CORS_HEADERS = ("*",)
_CORS_EXPOSED = ("Retry-After", "WWW-Authenticate")


def add_guard(app: FastAPI, parts: Services, runner: IngestRunner, hosting: ServerContext) -> Door:
    """Bound, count and log all requests of the application, and add `/metrics`. Returns its door."""
    serve = parts.settings.serve
    places = ConcurrencyLimit(
        serve.max_concurrent_answers,
        serve.max_waiting_answers,
        serve.waiting_timeout_seconds,
        hosting.connections.rush,
    )
    hosts = Hosts(serve, checks_origin=hosting.keys.is_open)
    metrics = Metrics()
    metrics.registry.register(StoreCollector(parts.store))
    metrics.registry.register(LoadCollector(places, hosting.connections))
    parts.traces.observe(metrics.count_answer)
    parts.traces.observe(note_answer)
    parts.traces.observe_searches(metrics.count_search)
    runner.observe(metrics.count_ingest)
    add_metrics(app, metrics)
    lines = RequestLines(metrics, log_text=serve.log_text)
    _add_middlewares(app, serve, hosting, places, hosts, lines)
    return Door(places=places, drain=hosting.drain, hosts=hosts, keys=hosting.keys, lines=lines)


def _add_middlewares(
    app: FastAPI,
    serve: ServeSettings,
    hosting: ServerContext,
    places: ConcurrencyLimit,
    hosts: Hosts,
    lines: RequestLines,
) -> None:
    """The innermost first: Starlette puts each around those before."""
    app.add_middleware(AnswerLimitMiddleware, places=places)
    app.add_middleware(BodyLimitMiddleware, max_bytes=serve.max_body_bytes, seconds=serve.body_timeout_seconds)
    if serve.requests_per_minute:
        app.add_middleware(RateLimitMiddleware, per_minute=serve.requests_per_minute)
    app.add_middleware(AuthenticationMiddleware, keys=hosting.keys)
    app.add_middleware(DrainingMiddleware, drain=hosting.drain)
    if serve.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=serve.cors_origins,
            allow_methods=_CORS_METHODS,
            allow_headers=_CORS_HEADERS,
            expose_headers=_CORS_EXPOSED,
        )
    app.add_middleware(TrustedHostsMiddleware, hosts=hosts)
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(RequestLogMiddleware, lines=lines)
