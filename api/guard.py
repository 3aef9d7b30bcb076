"""What stands between the network and the routes, from the outside inwards."""

from fastapi import FastAPI

from api.draining import Drain, Draining
from api.limits import BodyLimit
from rag.config import Settings


def add_guard(app: FastAPI, settings: Settings, drain: Drain) -> None:
    """Put the middlewares in their places. Starlette puts each before those that were added earlier."""
    serve = settings.serve
    app.add_middleware(BodyLimit, max_bytes=serve.max_body_bytes, seconds=serve.body_timeout_seconds)
    app.add_middleware(Draining, drain=drain)
