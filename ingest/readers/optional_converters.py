"""Converters that are installed only with the extra `documents`, and their errors."""

import importlib
from typing import Any

from rag.errors import DocumentError
from rag.optional_packages import require_extra


def import_converter(source: str, module: str) -> Any:
    """Return the module, or raise DocumentError with the command that installs it."""
    require_extra("documents", [module], purpose=source, error=DocumentError)
    return importlib.import_module(module)


def conversion_error(source: str, error: Exception) -> DocumentError:
    """Return the error of a converter as a DocumentError of one line."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DocumentError(f"{source}: cannot be converted: {reason}")
