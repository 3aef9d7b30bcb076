"""Which documents the caller of this request may see: the one place that every surface goes through."""

from api.current_caller import current_caller
from rag.knowledge_base_names import DEFAULT
from rag.state.traces import Trace
from rag.wiring import Services


def permitted(services: Services) -> Services:
    """Return the services as if there were only the documents that the caller may see."""
    rights = current_caller().rights
    return services if rights.are_unlimited else services.limited(rights)


def may_see_answer(services: Services, trace: Trace) -> bool:
    """Return whether the caller may see all that an answer may rest on; `services` are the permitted ones.

    A caller who may see only some documents sees the answers given to callers who may see exactly the same ones.
    """
    # Earlier versions noted no generations, when there was only the default knowledge base.
    for name in trace.answer.generations or {DEFAULT: 0}:
        part = services.knowledge_bases.get(name)
        if part is None or part.store.within not in ("", trace.within.get(name, "")):
            return False
    return True
