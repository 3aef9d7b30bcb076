"""What stands between the network and the routes, from the outside inwards."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.authentication import Authentication
from api.draining import Drain, Draining
from api.hosts import TrustedHosts
from api.keys import KeyRing
from api.limits import BodyLimit
from api.places import AnswerLimit, Places
from api.rates import RateLimit
from api.security_headers import SecurityHeaders
from rag.config import Settings

_CORS_METHODS = ("GET", "POST")
_CORS_HEADERS = ("Authorization", "Content-Type", "X-API-Key")
_CORS_EXPOSED = ("Retry-After", "WWW-Authenticate")


def add_guard(app: FastAPI, settings: Settings, keys: KeyRing, drain: Drain) -> None:
    """Put the middlewares in their places, the innermost first: Starlette puts each around those before."""
    serve = settings.serve
    app.add_middleware(BodyLimit, max_bytes=serve.max_body_bytes, seconds=serve.body_timeout_seconds)
    places = Places(serve.max_concurrent_answers, serve.max_waiting_answers, serve.waiting_timeout_seconds)
    app.add_middleware(AnswerLimit, places=places)
    if serve.requests_per_minute:
        app.add_middleware(RateLimit, per_minute=serve.requests_per_minute)
    app.add_middleware(Authentication, keys=keys)
    app.add_middleware(Draining, drain=drain)
    if serve.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=serve.cors_origins,
            allow_methods=_CORS_METHODS,
            allow_headers=_CORS_HEADERS,
            expose_headers=_CORS_EXPOSED,
        )
    app.add_middleware(TrustedHosts, settings=serve, checks_origin=keys.is_open)
    app.add_middleware(SecurityHeaders)
