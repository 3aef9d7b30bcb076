"""The base class of requests."""

from pydantic import BaseModel, ConfigDict


class RequestModel(BaseModel):
    """A request of this API or of the command line. Unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class EmptyRequest(RequestModel):
    """A request without parameters."""
