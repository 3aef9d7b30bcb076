"""What all requests have in common: unknown fields are errors."""

from pydantic import BaseModel, ConfigDict


class RequestModel(BaseModel):
    """A request of our own API or command line."""

    model_config = ConfigDict(extra="forbid")


class EmptyRequest(RequestModel):
    """A request without parameters."""
