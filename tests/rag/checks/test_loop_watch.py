"""A loop is noticed while a model writes, however its text is split."""

import pytest

from rag.checks.loop_watch import LoopWatch
from rag.retrieval.evidence import Evidence
from tests.kit.chat import passage


def noticed_after(text: str, size: int, evidence: str = "泵是钢做的。") -> int | None:
    watch = LoopWatch(Evidence("泵？", "zh", (passage(1, evidence),), {}, 0.9))
    ends = range(size, len(text) + size, size)
    return next((end for end in ends if watch.feed(text[end - size : end])), None)


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("round_", ["The pump is made of steel. ", "可以看下面的说明，", "- **泵**：钢\n"])
def test_a_loop_is_noticed_soon(round_: str, size: int) -> None:
    end = noticed_after(f"泵有很多种。{round_ * 100}", size)
    assert end is not None
    assert end <= 6 + 64 + size + max(90, 5 * len(round_))


@pytest.mark.parametrize("size", [1, 1000])
def test_a_text_that_goes_on_is_not_disturbed(size: int) -> None:
    text = "".join(f"{number}. 第 {number} 台泵在 {2000 + number} 年装好。\n" for number in range(200))
    assert noticed_after(text, size) is None


def test_what_the_passages_repeat_is_no_loop() -> None:
    rows = "INSERT INTO pumps SELECT id, name FROM pumps LIMIT 10000;\n" * 8
    assert noticed_after(rows, 10, evidence=rows) is None
