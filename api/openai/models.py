"""The models of the OpenAI-compatible API: one for each knowledge base, and one for all of them."""

from collections.abc import Sequence

from api.openai.schemas import MODEL
from rag.knowledge_base_names import ALL, DEFAULT


def model_ids(knowledge_bases: Sequence[str]) -> list[str]:
    """Return the ids of the models, given the names of the knowledge bases.

    >>> model_ids(["default"]), model_ids(["default", "handbook"])
    (['zhiwen'], ['zhiwen', 'zhiwen/handbook', 'zhiwen/all'])
    """
    several = (ALL,) if len(knowledge_bases) > 1 else ()
    return [model_of(name) for name in (*knowledge_bases, *several)]


def knowledge_base_of(model: str, of_others: str) -> str:
    """Return the knowledge base that a model answers from: what follows `zhiwen/`, and `of_others` for any other id.

    >>> knowledge_base_of("zhiwen/handbook", "default"), knowledge_base_of("gpt-4o", "default")
    ('handbook', 'default')
    """
    prefix, separator, name = model.partition("/")
    return name if separator and prefix == MODEL else of_others


def model_of(knowledge_base: str) -> str:
    """Return the id of the model that answers from a knowledge base.

    >>> model_of("handbook"), model_of("default")
    ('zhiwen/handbook', 'zhiwen')
    """
    return MODEL if knowledge_base == DEFAULT else f"{MODEL}/{knowledge_base}"
