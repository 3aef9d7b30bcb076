"""Excel files, also such as openpyxl does not write."""

import io
import zipfile

import openpyxl


def saved(workbook: openpyxl.Workbook) -> bytes:
    """The workbook as a file."""
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    """The file with other XML in its first sheet."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(file, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert old in part, part
                part = part.replace(old, new)
            after.writestr(name, part)
    return file.getvalue()
