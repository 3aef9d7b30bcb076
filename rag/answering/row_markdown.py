"""Quoted rows of one table as Markdown: a table with its header, or a single row as a sentence of its cells."""

from collections.abc import Sequence

from rag.answering.quoted_text import marker, more_items, own_marker, plain_text
from rag.answering.quotes import Quote
from rag.text.cjk import has_han
from rag.text.language import ReplyLanguage
from rag.text.table_rows import TableRow, column_headers


def write_rows(parts: Sequence[Quote], language: ReplyLanguage) -> str:
    """Return the rows of the quotes, which are of one table, with a marker behind each or behind what leads in."""
    first = parts[0]
    rows = [(quote, row) for quote in parts for row in quote.rows]
    if len(rows) == 1 and not first.lead:
        return f"{_sentence(rows[0][1])}{marker(first)}"
    label = f"{plain_text(first.lead.text)}{marker(first)}" if first.lead else plain_text(rows[0][1].label)
    headers = column_headers([row for _, row in rows])
    table = [
        f"| {' | '.join(_cell(header) for header in headers)} |",
        f"|{'---|' * len(headers)}",
        *(_line(row, headers, own_marker(quote)) for quote, row in rows),
    ]
    more = more_items(parts, language)
    return "\n\n".join([*([label] if label else []), "\n".join(table), *([more] if more else [])])


def _sentence(row: TableRow) -> str:
    text = plain_text(" ".join([row.label, *(cell.value for cell in row.cells)]))
    colon, separator = ("：", "；") if has_han(text) else (": ", "; ")
    cells = separator.join(f"{cell.header}: {cell.value}" if cell.header else cell.value for cell in row.cells)
    label = row.label.rstrip(":： ")
    return plain_text(f"{label}{colon}{cells}" if label else cells)


def _line(row: TableRow, headers: Sequence[str], mark: str) -> str:
    values = {cell.header: _cell(cell.value) for cell in row.cells}
    cells = [values.get(header, "") for header in headers]
    cells[-1] = f"{cells[-1]}{mark}".strip()
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return plain_text(text).replace("\n", " ").replace("|", "\\|")
