"""The text that an id leads to, over HTTP."""

from typing import Annotated

from fastapi import FastAPI, Query

from api.schemas.errors import ERRORS
from api.schemas.text import TextResponse, run_read
from rag.wiring import Parts


def add_reading(app: FastAPI, parts: Parts) -> None:
    @app.get("/text", responses=ERRORS, tags=["ask"])
    def text(
        id: Annotated[  # noqa: A002  (the name on the wire)
            str,
            Query(
                description="The `id` of a hit, or the `source` of a document.",
                min_length=1,
                max_length=4096,
                examples=["overview.md"],
            ),
        ],
    ) -> TextResponse:
        """A passage with the section that it stands in, or a document from its beginning."""
        return run_read(parts.store, id)
