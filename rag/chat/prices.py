"""What tokens cost, as configured: `qwen/qwen-plus 0.8 2`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Price:
    """Per million tokens, in any currency."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1_000_000


def read_prices(lines: Sequence[str]) -> dict[str, Price]:
    """Prices by the name of the model, such as `qwen/qwen-plus`. Raises ConfigError, naming the line."""
    return dict(_read(line) for line in lines)


def _read(line: str) -> tuple[str, Price]:
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
        "chat.prices must be the name of a model and two prices per million tokens, of prompt and of answer, "
        f"such as 'qwen/qwen-plus 0.8 2', got {line!r}"
    )
