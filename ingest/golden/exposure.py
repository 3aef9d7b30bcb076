"""The other half of the gate: what API keys would see of a generation although golden.yaml says that they must not."""

from collections.abc import Iterable, Mapping, Sequence

from ingest.golden.questions import MustNotSee
from rag.errors import GoldenQuestionsLost, KnowledgeError
from rag.rights import Rights
from rag.store.restricted import RestrictedSnapshot
from rag.store.snapshot import Snapshot

_SHOWN = 5


def check_exposure(hidden: Sequence[MustNotSee], rights: Mapping[str, Rights], snapshot: Snapshot) -> None:
    """Compare what keys must not see of a generation with what their rights, by name, let them see.

    Without any keys there is nothing to compare. Raises GoldenQuestionsLost, KnowledgeError for an unknown name, and
    StoreError.
    """
    if not rights:
        return
    exposed: list[str] = []
    visible: dict[str, Iterable[str]] = {}  # one key may have hundreds of entries
    for each in hidden:
        if each.key not in rights:
            raise KnowledgeError(f"golden.yaml: must_not_see names {each.key}, but no API key or group has this name")
        if each.key not in visible:
            visible[each.key] = _visible(rights[each.key], snapshot)
        seen = sorted(source for source in visible[each.key] if each.names(source))
        if seen:
            more = f" and {len(seen) - _SHOWN} more" if len(seen) > _SHOWN else ""
            exposed.append(f"{each.key} would see {', '.join(seen[:_SHOWN])}{more}")
    if exposed:
        raise GoldenQuestionsLost(
            f"nothing was changed, because golden.yaml says that keys must not see these documents: "
            f"{'; '.join(exposed)}. Correct the filters of the keys or the documents; if it is meant, run again with "
            "--force"
        )


def _visible(rights: Rights, snapshot: Snapshot) -> Iterable[str]:
    name = snapshot.knowledge_base
    filters = rights.filters([name])
    if name not in filters:
        return ()
    within = filters[name]
    return (RestrictedSnapshot(snapshot, within) if within else snapshot).documents()
