"""A queue in which nobody waits behind the many items of somebody else."""

from collections import deque
from collections.abc import Collection
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Callers take turns: each gets one item out before another gets a second; the items of one keep their order."""

    def __init__(self) -> None:
        self._items: dict[str, deque[Item]] = {}  # the next caller first

    def __len__(self) -> int:
        return sum(map(len, self._items.values()))

    def append(self, caller: str, item: Item) -> None:
        """Add an item of a caller."""
        self._items.setdefault(caller, deque()).append(item)

    def popleft(self, but_not: Collection[str] = ()) -> Item | None:
        """Remove and return the first item of the caller whose turn it is; None if only those in `but_not` have any."""
        caller = next((each for each in self._items if each not in but_not), None)
        if caller is None:
            return None
        items = self._items.pop(caller)
        item = items.popleft()
        if items:
            self._items[caller] = items  # behind all others
        return item

    def remove(self, caller: str, item: Item) -> bool:
        """Remove an item of a caller, and return whether it was there."""
        items = self._items.get(caller, deque())
        if item not in items:
            return False
        items.remove(item)
        if not items:
            del self._items[caller]
        return True

    def greediest(self, caller: str) -> str | None:
        """Return the caller with most items if it would have more than `caller` has with one more; else None."""
        greedy = max(self._items, key=lambda each: len(self._items[each]), default=caller)
        return greedy if len(self._items.get(greedy, ())) > len(self._items.get(caller, ())) + 1 else None

    def pop(self, caller: str) -> Item:
        """Remove and return the last item of a caller with at least two items."""
        return self._items[caller].pop()
