"""The calls that embed many documents: several at a time, repeated where that helps, and which texts are refused."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from rag.errors import EmbedderError
from rag.models.embedders.endpoint.batches import BatchSize
from rag.models.embedders.endpoint.failures import PASSING, Failure, Kind, to_error
from rag.models.embedders.endpoint.pace import Pace
from rag.models.embedders.protocol import Matrix
from rag.models.embedders.token_upper_bound import token_upper_bound

MOST_SECONDS_WITHOUT_VECTORS = 300.0
MOST_REFUSALS_WITHOUT_VECTORS = 100
PLAIN_TEXT = "dimension"
_FEWEST_TEXTS = 16

Ask = Callable[[Sequence[str]], Awaitable[Matrix | Failure]]
"""One call of the endpoint. A row of NaN is a vector that is no use; one text gets a Failure instead."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors, and the positions of their texts."""

    positions: tuple[int, ...]
    vectors: Matrix


class DocumentCalls:
    """Embeds `texts` with `ask`, and gives `emit` each batch as soon as it is there.

    - A failure that passes is waited for, by all calls together; after 429, one text finds out when it is over. After
      `max_attempts` such failures, a batch is treated like one that is refused; 429 does not count. After
      MOST_SECONDS_WITHOUT_VECTORS, the run ends with EmbedderError.
    - A batch that is too large is halved, and `size` remembers it.
    - A batch that is refused is cut in two until the texts at fault are found: `refusals` says why, by position. But
      the endpoint is at fault, and the run ends with EmbedderError, if it refuses a plain text too, or
      MOST_REFUSALS_WITHOUT_VECTORS texts without embedding one.
    - A vector that is zero or not finite is asked for once more, alone.

    No text is sent again after its vector has arrived.
    """

    def __init__(
        self,
        texts: Sequence[str],
        *,
        ask: Ask,
        emit: Callable[[Embedded], object],
        size: BatchSize,
        pace: Pace,
        max_attempts: int,
    ) -> None:
        self.refusals: dict[int, str] = {}
        self._texts = texts
        self._tokens = [token_upper_bound(text) for text in texts]
        self._ask, self._emit = ask, emit
        self._size, self._pace = size, pace
        self._max_attempts = max_attempts
        self._heard_at = pace.clock()
        self._has_embedded = False
        self._is_refused = False  # the last failure that passes was 429
        self._is_trusted = False  # whether the last that was heard of the endpoint, apart from 429, was a vector
        # A few texts are spread over all calls, so that none of them idles.
        self._fair_share = max(math.ceil(len(texts) / pace.calls_at_once), _FEWEST_TEXTS)
        self._waiting = deque(range(len(texts)))
        # Batches that are sent as they are: failed ones again, and parts of refused ones.
        self._set_apart: deque[_Batch] = deque()

    async def run(self) -> None:
        """Return when each text has its vector or is in `refusals`. Raises EmbedderError."""
        calls: set[asyncio.Task[None]] = set()
        try:
            while self._waiting or self._set_apart or calls:
                pause = self._pace.seconds_to_wait
                is_ready = not pause and (self._waiting or self._set_apart)
                if is_ready and len(calls) < self._pace.calls_at_once:
                    calls.add(asyncio.create_task(self._call(self._next())))
                elif calls:
                    done, calls = await asyncio.wait(calls, timeout=pause or None, return_when=asyncio.FIRST_COMPLETED)
                    errors = [error for call in done if (error := call.exception())]
                    if errors:
                        raise errors[0]
                else:
                    await asyncio.sleep(pause)
        finally:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    def _next(self) -> "_Batch":
        if not self._set_apart:
            return _Batch(self._size.take(self._waiting, self._tokens, most_texts=self._fair_share))
        batch = self._set_apart.popleft()
        if not (self._is_refused and self._pace.is_probing) or len(batch.positions) == 1:
            return batch
        # A limit of tokens a minute counts refused ones as well, so a single text finds out when it is over.
        self._set_apart.appendleft(replace(batch, positions=batch.positions[1:]))
        return replace(batch, positions=batch.positions[:1])

    async def _call(self, batch: "_Batch") -> None:
        sent_at = self._pace.clock()
        answer = await self._ask([self._texts[position] for position in batch.positions])
        if isinstance(answer, Failure):
            await self._cope(batch, answer, sent_at)
            return
        usable: NDArray[np.bool] = np.isfinite(answer.sum(axis=1))
        if usable.any():
            self._pace.speed_up(sent_at)
            self._trust()
            self._has_embedded = True
            self._emit(Embedded(tuple(compress(batch.positions, usable.tolist())), answer[usable]))
        self._set_apart.extend(_Batch((position,)) for position in compress(batch.positions, (~usable).tolist()))

    async def _cope(self, batch: "_Batch", failure: Failure, sent_at: float) -> None:
        if failure.kind in PASSING:
            self._slow_down(failure, sent_at)
        match failure.kind:
            case Kind.BUSY:
                self._set_apart.appendleft(batch)
            case Kind.TEMPORARY if batch.failures + 1 < self._max_attempts:
                self._set_apart.append(replace(batch, failures=batch.failures + 1))
            case Kind.TOO_MANY_TEXTS if len(batch.positions) > 1:
                self._size.refuse_texts(len(batch.positions), failure.reason)
                self._waiting.extendleft(reversed(batch.positions))
            case Kind.TOO_MANY_TOKENS if len(batch.positions) > 1:
                self._size.refuse_tokens(sum(self._tokens[position] for position in batch.positions))
                self._waiting.extendleft(reversed(batch.positions))
            case Kind.FINAL:
                raise to_error(failure, batch.failures + 1)
            case _:
                await self._find_fault(batch, failure)

    async def _find_fault(self, batch: "_Batch", failure: Failure) -> None:
        """Blame the texts if the endpoint embeds a plain one, cut the batch in two or refuse its text; or raise."""
        if not self._is_trusted:
            await asyncio.sleep(self._pace.seconds_to_wait)
            sent_at = self._pace.clock()
            probe = await self._ask([PLAIN_TEXT])
            if isinstance(probe, Failure) and probe.kind in PASSING:
                self._slow_down(probe, sent_at)
                self._set_apart.append(_Batch(batch.positions))
                return
            if isinstance(probe, Failure):
                raise to_error(probe)
            self._trust()
        if len(batch.positions) == 1:
            self._refuse(batch.positions[0], failure)
            return
        middle = len(batch.positions) // 2
        # Before all others, so that an endpoint that refuses everything is found out after a few calls.
        self._set_apart.extendleft((_Batch(batch.positions[middle:]), _Batch(batch.positions[:middle])))

    def _refuse(self, position: int, failure: Failure) -> None:
        self.refusals[position] = failure.reason
        # The next refusal needs a vector before it, so an endpoint that stops working does not refuse all other texts.
        self._is_trusted = False
        if not self._has_embedded and len(self.refusals) >= MOST_REFUSALS_WITHOUT_VECTORS:
            raise EmbedderError(
                f"{failure.endpoint}, refused the first {len(self.refusals)} texts ({failure.reason}); "
                "check embedding.model and embedding.max_tokens"
            )

    def _slow_down(self, failure: Failure, sent_at: float) -> None:
        self._is_trusted = self._is_trusted and failure.kind is Kind.BUSY
        self._is_refused = failure.kind is Kind.BUSY
        self._pace.slow_down(sent_at, failure.retry_after_seconds)
        silent, pause = self._pace.clock() - self._heard_at, self._pace.seconds_to_wait
        if silent + pause > MOST_SECONDS_WITHOUT_VECTORS:
            raise EmbedderError(
                f"{failure.endpoint}, gave no vectors for {silent:.0f} s, and the next call is due in {pause:.0f} s "
                f"({failure.reason}); try again later, or lower embedding.concurrency"
            )

    def _trust(self) -> None:
        self._is_trusted = True
        self._heard_at = self._pace.clock()


@dataclass(frozen=True, slots=True)
class _Batch:
    positions: tuple[int, ...]
    failures: int = 0
