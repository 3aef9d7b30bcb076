"""What tokens cost, as configured."""

import pytest

from rag.chat.prices import Price, read_prices
from rag.errors import ConfigError


def test_prices_are_per_million_tokens() -> None:
    assert read_prices(["qwen/qwen-plus 0.8 2", " siliconflow/Qwen/Qwen3-32B  1  4 "]) == {
        "qwen/qwen-plus": Price(0.8, 2.0),
        "siliconflow/Qwen/Qwen3-32B": Price(1.0, 4.0),
    }
    assert Price(1.0, 4.0).of(500_000, 250_000) == 1.5
    assert read_prices([]) == {}


@pytest.mark.parametrize("line", ["", "qwen/qwen-plus", "qwen/qwen-plus 1", "q 1 2 3", "q 1 two", "q -1 2", "q nan 1"])
def test_a_line_that_is_not_a_price_is_an_error_with_an_example(line: str) -> None:
    with pytest.raises(ConfigError, match=r"chat\.prices must be .* 'qwen/qwen-plus 0\.8 2', got"):
        read_prices([line])
