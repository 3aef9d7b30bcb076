"""Rows of a table that belong to no group: totals, averages, balances, and remarks below them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

_Cells = tuple[str, ...]

_SUM = re.compile(
    r"\W*+(?:\w{0,6}?[合小总共累]\s*计|总[和数]|汇\s*总|\w{0,4}(?<!公)共|(?:sub|grand[ -]?)?total|sum)"
    r"\s*(?:[^\w\s].*)?",
    re.IGNORECASE | re.DOTALL,
)
"""The name of a total: 合计（元）, 本月共."""
_MEAN = re.compile(r"\W*+(?:平?均[值数分价额]?|余额|average|mean|balance)\s*(?:[^\w\s].*)?", re.IGNORECASE | re.DOTALL)
_BALANCE = re.compile(
    r"\W*+(?:(?:[合小总共累]\s*计|总[和数额]|汇\s*总|平均|均值|余额)\w*"
    r"|\w{0,4}(?:[应实代][付收缴退]|实际|结[余存转]|[余差总]额|税|净[额利值]|毛利|利润|盈|亏|增[长减幅]|同比|环比|占比)\w{0,4}"
    r"|(?:(?:sub|grand[ -]?)?total|sum|average|mean|balance|net|tax|vat|due|amount (?:due|paid)|paid|profit|margin"
    r"|remaining|overall|change|growth)\b.*)\s*(?:\W.*)?",
    re.IGNORECASE | re.DOTALL,
)
"""What an account ends with. It is also the name of an ordinary row, so its place and its cells count, too."""
_REMARK = re.compile(r"\W*+(?:备\s?注|附\s?注|注|说明|note|n\.b\.|remarks?)\s*\d*\s*[：:]", re.IGNORECASE)
_AMOUNT = re.compile(r"(?P<sign>[^\w.]*+)(?P<number>\d[\d,]*+(?:\.\d++)?)\s*[%％‰]?\s*[元件个份人次万亿]{0,3}\W*")
_FEWEST_TERMS = 3


def is_total(label: str) -> bool:
    """Return whether a row of this name is a total."""
    return bool(_SUM.fullmatch(label))


def rows_of_no_group(rows: Sequence[_Cells]) -> set[int]:
    """Return the numbers of the rows that go with no row above: where they are blank at the left, they stay so."""
    labels = [next((cell for cell in cells if any(map(str.isalnum, cell))), "") for cells in rows]
    found = {number for number, label in enumerate(labels) if _MEAN.fullmatch(label) or _REMARK.match(label)}
    counts = Counter(labels)
    for begin, end in _groups(rows):
        sums = [number for number in range(begin, end) if is_total(labels[number])]
        # What stands below a total belongs to the table.
        found.update(range(sums[0], end) if sums else ())
        for number in range(end - 1, begin, -1):
            if number in found:
                continue
            if counts[labels[number]] == 1 and _is_balance(labels[number], rows[number]):
                found.add(number)
                continue
            # Behind the last group, there may be totals of the whole table.
            first = 0 if end == len(rows) else begin
            terms = [rows[above] for above in range(first, number) if above not in found]
            if not _is_sum(rows[number], rows[begin:number]) and not _is_sum(rows[number], terms):
                break
            found.add(number)
    return found


def _groups(rows: Sequence[_Cells]) -> Iterator[tuple[int, int]]:
    """Yield the first row of each group, and the one behind its last, as the leftmost column has them."""
    begins = [number for number, cells in enumerate(rows) if number == 0 or cells[0]]
    return pairwise([*begins, len(rows)])


def _is_balance(label: str, cells: _Cells) -> bool:
    return bool(_BALANCE.fullmatch(label)) and any(_amount(cell) is not None for cell in cells)


def _is_sum(cells: _Cells, above: Sequence[_Cells]) -> bool:
    """Return whether each amount of a row is the sum of those in the rows above it."""
    amounts = [(column, amount) for column, cell in enumerate(cells) if (amount := _amount(cell)) is not None]
    is_long = len(above) >= _FEWEST_TERMS
    return (
        is_long and bool(amounts) and all(_total(row[column] for row in above) == amount for column, amount in amounts)
    )


def _total(cells: Iterable[str]) -> Decimal | None:
    """Return the sum of a column; None if it is zero, or if a cell is not an amount."""
    amounts = [_amount(cell) for cell in cells]
    return sum((amount for amount in amounts if amount is not None), Decimal()) or None if None not in amounts else None


def _amount(cell: str) -> Decimal | None:
    found = _AMOUNT.fullmatch(cell)
    if not found:
        return None
    number = Decimal(found["number"].replace(",", ""))
    return -number if any(sign in found["sign"] for sign in "-−") else number
