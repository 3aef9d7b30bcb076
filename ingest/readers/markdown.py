"""The readers of Markdown and of MDX, which is Markdown with modules and components of JavaScript."""

from ingest.markup.javascript import imports_components, without_module_statements
from ingest.markup.markdown_tree import markdown_tree
from ingest.readers.cleaned_text import read_text
from ingest.readers.document import Document, PropertyLine
from ingest.readers.front_matter import split_front_matter
from ingest.readers.properties import properties_of
from rag.text.invisible import remove_invisible


def read_markdown(source: str, content: bytes) -> Document:
    """Return the content of a Markdown file. Raises DocumentError for an encoding that cannot be read.

    One that imports a component is read as MDX.
    """
    return _read(source, content, is_mdx=False)


def read_mdx(source: str, content: bytes) -> Document:
    """Return the content of an MDX file, without its `import` and `export` statements. Raises as `read_markdown`."""
    return _read(source, content, is_mdx=True)


def _read(source: str, content: bytes, *, is_mdx: bool) -> Document:
    parts = split_front_matter(source, read_text(source, content))
    is_mdx = is_mdx or imports_components(parts.body)
    body = without_module_statements(parts.body, is_mdx=is_mdx)
    title = parts.metadata.get("title")
    properties = [
        PropertyLine(remove_invisible(f"{name}: {value}"), parts.lines[name])
        for name, value in properties_of(parts.metadata)
    ]
    return Document(
        source=source,
        title=remove_invisible(str(title)).strip() if title else "",
        root=markdown_tree(body, parts.first_line, is_mdx=is_mdx),
        metadata=parts.metadata,
        properties=properties,
        warnings=parts.warnings,
    )
