"""Which knowledge base a request is about."""

from typing import Annotated

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from api.schemas.request_model import RequestModel
from rag.knowledge_base_names import ALL, DEFAULT

_Name = Annotated[str, Field(max_length=100)]


def _check(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Give one message with the rule, instead of one for the text and one for the list."""
    try:
        return handler(value)
    except ValidationError as error:
        raise PydanticCustomError(
            "knowledge_base",
            f"must be a name, a list of at most 100 names, or `{ALL}`; a name has at most 100 characters",
        ) from error


KnowledgeBases = Annotated[
    _Name | Annotated[list[_Name], Field(min_length=1, max_length=100)],
    WrapValidator(_check),
    Field(
        description=f"The knowledge base to answer from, a list of several, or `{ALL}`; `GET /knowledge-bases` has "
        "their names. Several are searched as one, and each hit and citation says which one it is from.",
        examples=[DEFAULT, ["default", "handbook"]],
    ),
]


class KnowledgeBaseRequest(RequestModel):
    """A request about one knowledge base."""

    knowledge_base: _Name = Field(
        default=DEFAULT, description="The knowledge base; `GET /knowledge-bases` lists them.", examples=[DEFAULT]
    )


class KnowledgeBasesRequest(RequestModel):
    """A request that one knowledge base or several can answer."""

    knowledge_base: KnowledgeBases = DEFAULT

    @property
    def knowledge_bases(self) -> list[str]:
        """The names as a list."""
        return [self.knowledge_base] if isinstance(self.knowledge_base, str) else self.knowledge_base
