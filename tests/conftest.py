"""What all tests share: the list of known defects."""

from pathlib import Path

import pytest

KNOWN_DEFECTS = Path(__file__).with_name("known_defects.txt")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test on the list is expected to fail; its name says what is still to be mended."""
    listed = {line for line in KNOWN_DEFECTS.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"}
    for item in items:
        if item.nodeid in listed:
            item.add_marker(pytest.mark.xfail(reason="known defect", strict=False))
