"""Rollback: make the generation before the live one live again."""

from dataclasses import replace

from rag.errors import NoEarlierGeneration
from rag.store.records import Commit
from rag.store.store import Store


def roll_back(store: Store) -> tuple[Commit, Commit]:
    """Go back to the generation before the live one. Return (left, now live). Use it within `write_lease`.

    Raises NoEarlierGeneration if there is none. The next `recover` removes the rows of the generation that was left,
    so that requests that still read it end well.
    """
    state = store.state()
    if not state or len(state.history) < 2:
        raise NoEarlierGeneration(
            "there is no earlier generation to go back to (store.keep_generations says how many are kept)"
        )
    store.notes.mark_dirty()
    earlier = replace(state, version=state.version + 1, history=state.history[:-1])
    store.publish(earlier)
    return state.live, earlier.live
