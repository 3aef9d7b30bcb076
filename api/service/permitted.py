"""Which documents the caller of this request may see: the one place that every surface goes through."""

from collections.abc import Sequence

from api.current_caller import current_caller
from api.service.audit import note_knowledge_bases
from rag.knowledge_base_names import ALL, DEFAULT
from rag.state.traces import Trace
from rag.wiring import Services


def permitted(services: Services) -> Services:
    """Return the services as if there were only the documents that the caller may see."""
    rights = current_caller().rights
    return services if rights.are_unlimited else services.limited(rights)


def permitted_one(services: Services, name: str) -> Services:
    """Return the permitted services of one knowledge base, which the audit log names.

    Raises KnowledgeBaseNotFound if there is no such knowledge base, or the caller may not ask it.
    """
    note_knowledge_bases({name} & services.knowledge_bases.keys())
    return permitted(services).of(name)


def permitted_several(services: Services, names: Sequence[str]) -> Services:
    """Return the permitted services that answer from some knowledge bases, all for `all`; the audit log names them.

    Raises KnowledgeBaseNotFound as `permitted_one` does.
    """
    known = permitted(services)
    there_are = known.knowledge_bases if ALL in names else services.knowledge_bases
    note_knowledge_bases(name for name in there_are if name in names or ALL in names)
    return known.joined(names)


def knowledge_base_if_unnamed(services: Services) -> str:
    """Return the knowledge base of a client that names none: the only one that the caller may ask, or the default."""
    names = tuple(permitted(services).knowledge_bases)
    return names[0] if len(names) == 1 else DEFAULT


def may_see_answer(services: Services, trace: Trace) -> bool:
    """Return whether the caller may see all that an answer may rest on; `services` are the permitted ones.

    A caller who may see only some documents sees the answers given to callers who may see exactly the same ones.
    """
    for name in trace.knowledge_bases:
        part = services.knowledge_bases.get(name)
        if part is None or part.store.within not in ("", trace.within.get(name, "")):
            return False
    return True
