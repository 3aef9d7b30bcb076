"""Importing `scipy.sparse` before pymilvus does it its own way."""

import importlib
from contextlib import suppress


def import_scipy() -> None:
    """Import `scipy.sparse` where it is installed.

    To learn whether a value is one of its matrices, pymilvus 2.6 runs that package in a way that fails while another
    thread imports it. What has been imported before does not run again.
    """
    with suppress(ModuleNotFoundError):
        importlib.import_module("scipy.sparse")
