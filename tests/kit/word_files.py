"""Word files with only the parts that they must have."""

import html
import io
import zipfile

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{html.escape(text)}</w:t></w:r></w:p>"


def table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx_with(document_xml: str) -> bytes:
    """A Word file with nothing in it but what it must have."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        package.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{OFFICE}" Target="word/document.xml"/></Relationships>',
        )
        package.writestr("word/document.xml", document_xml)
    return file.getvalue()


def docx_of(*blocks: str) -> bytes:
    return docx_with(f'<w:document xmlns:w="{WORD}"><w:body>{"".join(blocks)}</w:body></w:document>')


DOCX = docx_of(
    paragraph("The lighthouse", "Heading1"),
    paragraph("It was built of granite."),
    paragraph("Ports", "Heading2"),
    paragraph("These are open:"),
    table(("Name", "Port"), ("lamp", "7311"), ("lens", "7312")),
    paragraph("灯塔的代码是七三一一。"),
)
