"""Nobody waits behind the many items of somebody else, and nothing gets lost."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from rag.fair_queue import FairQueue

CALLERS = st.lists(st.sampled_from("abc"), max_size=20)


def queue_of(callers: list[str]) -> FairQueue[tuple[str, int]]:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for number, caller in enumerate(callers):
        queue.append(caller, (caller, number))
    return queue


@given(CALLERS)
def test_each_caller_gets_one_out_before_another_gets_a_second_while_it_waits(callers: list[str]) -> None:
    queue, order = queue_of(callers), list[tuple[str, int]]()
    while item := queue.popleft():
        order.append(item)
    assert sorted(order, key=lambda item: item[1]) == [(caller, number) for number, caller in enumerate(callers)]
    for caller in "abc":
        assert [item for item in order if item[0] == caller] == [
            item for item in queue_items(callers) if item[0] == caller
        ]
    left = Counter(callers)
    seen = Counter[str]()
    for caller, _ in order:
        seen[caller] += 1
        left[caller] -= 1
        assert all(seen[caller] - seen[other] <= 1 for other in "abc" if left[other])


def queue_items(callers: list[str]) -> list[tuple[str, int]]:
    return [(caller, number) for number, caller in enumerate(callers)]


@given(CALLERS, st.data())
def test_removing_an_item_leaves_the_others_in_their_order(callers: list[str], data: st.DataObject) -> None:
    queue = queue_of(callers)
    gone = data.draw(st.sets(st.sampled_from(queue_items(callers)))) if callers else set()
    assert all(queue.remove(caller, (caller, number)) for caller, number in gone)
    assert not any(queue.remove(caller, (caller, number)) for caller, number in gone)
    assert len(queue) == len(callers) - len(gone)
    assert {queue.popleft() for _ in range(len(queue))} == set(queue_items(callers)) - gone


def test_room_is_made_by_the_last_item_of_who_has_most() -> None:
    queue = queue_of(list("aaab"))
    assert queue.greediest("b") == "a"
    assert queue.pop("a") == ("a", 2)
    assert queue.greediest("b") is None, "both have as many then"
    assert queue.greediest("a") is None
    assert queue.greediest("c") == "a"
    assert FairQueue[int]().greediest("a") is None
