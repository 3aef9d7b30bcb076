"""Converters that are installed only with the extra `documents`, and their errors."""

import importlib
from typing import Any

from rag.errors import DocumentError


def import_converter(source: str, module: str) -> Any:
    """Return the module, or raise DocumentError with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DocumentError(f"{source}: needs a converter; pip install 'zhiwen[documents]'") from error


def conversion_error(source: str, error: Exception) -> DocumentError:
    """Return the error of a converter as a DocumentError of one line."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DocumentError(f"{source}: cannot be converted: {reason}")
