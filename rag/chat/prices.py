"""Parse the configured prices of chat models: `qwen/qwen-plus 0.8 2`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a million tokens of prompt and of completion, in any currency."""

    prompt: float
    completion: float

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what a call with these numbers of tokens costs, in the currency of the prices."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1_000_000


def parse_prices(lines: Sequence[str]) -> dict[str, Price]:
    """Return the prices by the name of the model, such as `qwen/qwen-plus`.

    Each line has the name, the price of a million prompt tokens and that of a million completion tokens. Raises
    ConfigError, showing the line, if one is malformed.
    """
    return dict(_parse_line(line) for line in lines)


def _parse_line(line: str) -> tuple[str, Price]:
    try:
        name, *numbers = line.split()
        prompt, completion = (float(number) for number in numbers)
    except ValueError as error:
        raise _malformed(line) from error
    if not all(math.isfinite(number) and number >= 0 for number in (prompt, completion)):
        raise _malformed(line)
    return name, Price(prompt, completion)


def _malformed(line: str) -> ConfigError:
    return ConfigError(
        "chat.prices must be the name of a model and its prices per million tokens of prompt and of answer, "
        f"such as 'qwen/qwen-plus 0.8 2', got {line!r}"
    )
