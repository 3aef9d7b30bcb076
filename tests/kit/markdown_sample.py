"""Random Markdown documents whose words are all distinct."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass
class Sample:
    """A random Markdown text. `texts` are the words, long words and Chinese runs in it, all distinct."""

    seed: int
    lines: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311
        codes = ["".join(code) for code in itertools.product(LETTERS, DIGITS, DIGITS)]
        self.random.shuffle(codes)
        self.codes: Iterator[str] = iter(codes)

    def word(self) -> str:
        """Three characters, so short that no cut within a word is ever needed."""
        self.texts.append(next(self.codes))
        return self.texts[-1]

    def long_word(self) -> str:
        self.texts.append("".join(next(self.codes) for _ in range(self.random.randint(10, 200))))
        return self.texts[-1]

    def chinese(self) -> str:
        length = self.random.randint(1, 60)
        self.texts.append("".join(chr(self.random.randint(0x4E00, 0x9FA5)) for _ in range(length)))
        return self.texts[-1]

    def phrase(self, most: int) -> str:
        kinds = self.random.choices(
            [self.word, self.chinese, self.long_word], weights=[12, 1, 0.3], k=self.random.randint(1, most)
        )
        text = ""
        for make in kinds:
            text += make() + self.random.choice([" ", " ", " ", ". ", "。", "；", ", "])
        return text.strip(" ,")

    def document(self) -> str:
        makers: list[Callable[[], None]] = [
            self.heading,
            self.paragraph,
            self.nested_list,
            self.table,
            self.code,
            self.caption,
            self.quotation,
        ]
        for make in self.random.choices(makers, k=self.random.randint(1, 9)):
            make()
            self.lines.append("")
        return "\n".join(self.lines)

    def heading(self) -> None:
        # Short, so that the context leaves room: what stands in headings is not counted among `texts`.
        self.lines.append(f"{'#' * self.random.randint(1, 3)} {next(self.codes)}")

    def paragraph(self) -> None:
        self.lines.extend(self.phrase(40) for _ in range(self.random.randint(1, 3)))

    def caption(self) -> None:
        is_bold = self.random.random() < 0.5
        self.lines.append(f"**{self.word()} {self.word()}**" if is_bold else f"{self.phrase(6)}:")

    def quotation(self) -> None:
        self.lines.extend([f"> {self.phrase(20)}", ">", f"> - {self.phrase(5)}"])

    def nested_list(self) -> None:
        depth = 0
        for _ in range(self.random.randint(1, 12)):
            self.lines.append(f"{'   ' * depth}{self.random.choice(['-', '1.'])} {self.phrase(8)}")
            depth = self.random.randint(0, min(depth + 1, 3))

    def table(self) -> None:
        columns = self.random.randint(1, 6)
        self.lines.append(f"| {' | '.join(self.word() for _ in range(columns))} |")
        self.lines.append("|" + "---|" * columns)
        for row in range(self.random.randint(1, 8)):
            blank = self.random.randint(0, columns - 1) if row else 0
            cells = [""] * blank + [self.phrase(6) for _ in range(columns - blank)]
            self.lines.append(f"| {' | '.join(cells)} |")

    def code(self) -> None:
        inside = [self.random.choice(["", "  "]) + self.phrase(10) for _ in range(self.random.randint(1, 8))]
        self.lines.extend([self.random.choice(["```", "```python"]), *inside, "```"])
