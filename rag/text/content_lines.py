"""The lines of the file on which a part of a chunk stands."""

from collections.abc import Sequence
from itertools import pairwise, takewhile

from rag.text.blocks import FENCE, LIST_ITEM, Block, BlockKind, split_blocks
from rag.types import Chunk

_REPEATED = (0, 0)


def file_lines(chunk: Chunk, start: int, end: int) -> range:
    """Return the lines of the file with the characters `start` to `end` (exclusive) of the chunk's content.

    They are exact if the chunk knows its line numbers. In an index of an earlier version they are exact where the
    content has a line for each line of the file, and otherwise all lines of the chunk.
    """
    whole = range(chunk.start_line, chunk.end_line + 1)
    lines = chunk.content.split("\n")
    if written := _read_line_numbers(chunk.line_numbers, len(lines)):
        first, last = chunk.content.count("\n", 0, start), chunk.content.count("\n", 0, max(start, end - 1))
        quoted = [number for number in written[first : last + 1] if number != _REPEATED]
        return range(min(quoted)[0], max(one for _, one in quoted) + 1) if quoted else whole
    numbers = _numbers(lines, len(whole))
    if not numbers:
        return whole
    first = chunk.content.count("\n", 0, start)
    last = chunk.content.count("\n", 0, max(start, end - 1))
    return whole[numbers[first] : numbers[last] + 1]


def write_line_numbers(numbers: Sequence[tuple[int, int]]) -> str:
    """Return the first and last line of the file of each line of a content as text.

    >>> write_line_numbers([(3, 3), (4, 5)])
    '3 4-5'
    """
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in numbers)


def _read_line_numbers(text: str, count: int) -> list[tuple[int, int]]:
    """Return what `write_line_numbers` was given, [] if these are not the numbers of so many lines."""
    pairs = [number.partition("-") for number in text.split()]
    return [(int(first), int(last or first)) for first, _, last in pairs] if len(pairs) == count else []


def repeated_lines(chunk: Chunk) -> int:
    """Return how many lines at the beginning of a content the chunker repeats from the part of the block before it.

    They are the label, the header of a table, the fence of code and the list items above. 0 if that is unknown.
    """
    lines = chunk.content.split("\n")
    if written := _read_line_numbers(chunk.line_numbers, len(lines)):
        return len(list(takewhile(_REPEATED.__eq__, written)))
    numbers = _numbers(lines, chunk.end_line - chunk.start_line + 1)
    return max(numbers.count(0) - 1, 0) if numbers else 0


def _numbers(lines: Sequence[str], length: int) -> list[int]:
    """Return the position of each line of a content within the `length` lines of its file, or [] if that is unknown."""
    blocks = list(split_blocks(lines))
    labelled = [block.start for block in blocks if block.is_attached]
    if len(lines) == length:
        return list(range(length))
    if len(lines) + len(labelled) == length:
        # In the file, a blank line separates a label from what it stands above.
        return [number + sum(start <= number for start in labelled) for number in range(len(lines))]
    return _numbers_below_repetition(lines, blocks, length) if blocks else []


def _numbers_below_repetition(lines: Sequence[str], blocks: Sequence[Block], length: int) -> list[int]:
    """Do the same for a content that begins within a long block.

    Above that stands what the chunker repeats, and below it the fence that the chunker adds, if code is cut again.
    """
    cut = int(len(blocks) > 1 and blocks[1].is_attached)
    block = blocks[cut]
    own = lines[block.start : block.end]
    added = blocks[-1] is block and block.kind == "code" and len(own) > 1 and bool(FENCE.match(own[-1]))
    labelled = [below.start for below in blocks[cut + 1 :] if below.is_attached]
    for blank in {0, len(labelled)}:
        head = len(lines) + blank - added - length
        if 0 <= head <= block.start + _repeatable(block.kind, own):
            gaps = labelled if blank else []
            shifted = (number - head + sum(start <= number for start in gaps) for number in range(len(lines)))
            return [min(max(number, 0), length - 1) for number in shifted]
    return []


def _repeatable(kind: BlockKind, lines: Sequence[str]) -> int:
    """Return how many lines of a block may be repeated from the part before."""
    if kind == "list":
        indents = [len(line) - len(line.lstrip()) if LIST_ITEM.match(line) else -1 for line in lines]
        return next((number for number, (one, below) in enumerate(pairwise(indents)) if below <= one), 0)
    return {"table": 2, "code": 1}.get(kind, 0)
