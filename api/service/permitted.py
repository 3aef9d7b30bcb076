"""What of the knowledge bases the caller of this request may see: the one place that every surface goes through."""

from collections.abc import Mapping

from api.current_caller import current_caller
from rag.knowledge_base_names import DEFAULT
from rag.wiring import Services


def permitted(services: Services) -> Services:
    """Return the services as if there were only the knowledge bases that the caller may ask."""
    names = current_caller().knowledge_bases
    return services if names is None else services.only(names)


def may_see_answer(services: Services, generations: Mapping[str, int]) -> bool:
    """Return whether the caller may see all that an answer rests on; `services` are the permitted ones.

    `generations` are those of the answer. Earlier versions noted none, when there was only the default knowledge base.
    """
    return set(generations or {DEFAULT}) <= services.knowledge_bases.keys()
