"""PDF files, written out by hand."""

import io

import pypdf


def pdf_of(*pages: str) -> bytes:
    """A PDF with a page for each text, written out by hand."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {count} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        shown = " ".join(f"({line}) Tj 0 -14 Td" for line in page.split("\n") if line)
        stream = f"BT /F1 12 Tf 20 700 Td {shown} ET"
        resources = "/Resources << /Font << /F1 3 0 R >> >>"
        contents = f"/Contents {5 + 2 * number} 0 R"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {resources} {contents} >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    file = io.BytesIO()
    file.write(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(file.tell())
        file.write(f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1"))
    start = file.tell()
    entries = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    file.write(f"xref\n0 {size}\n0000000000 65535 f \n{entries}".encode())
    file.write(f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    return file.getvalue()


def encrypted(content: bytes, password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(content))
    writer.encrypt(password, "the owner's", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def with_aes(content: bytes) -> bytes:
    """The same PDF saying that it is encrypted by AES, as most protected PDFs are."""
    filters = b"/CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV2 /Length 16 >> >> /StmF /StdCF /StrF /StdCF"
    changed = content.replace(b"/V 2\n/R 3", b"/V 4\n/R 4\n" + filters)
    assert changed != content
    return changed


PDF = pdf_of("The lighthouse has two lamps.\nThe second line.", "", "The lamp code is 7311.")
