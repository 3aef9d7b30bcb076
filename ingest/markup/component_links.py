"""The links that components are: `<Link to="https://…">text</Link>`, `<Card title="Title" href="https://…" />`."""

from ingest.markup.tree import Element, Text


def link_content(element: Element, address: str) -> None:
    """Make the text of an element a link; if it has more than one paragraph, add the address below."""
    shown = [child for child in element.children if isinstance(child, Element) or child.text.strip()]
    only = shown[0] if len(shown) == 1 else None
    holder = only if isinstance(only, Element) and only.name == "p" else element
    if any(isinstance(child, Element) and child.is_block for child in holder.children):
        line = element.end_line
        link = Element("a", line, attributes={"href": address}, children=[Text(address, line)])
        element.children.append(Element("p", line, children=[link]))
    else:
        holder.children = [Element("a", holder.line, holder.end_line, {"href": address}, holder.children)]
