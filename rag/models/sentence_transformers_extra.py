"""The extra `sentence-transformers`: checked before anything of it is imported."""

from rag.errors import ZhiwenError
from rag.optional_packages import require_extra

_PACKAGES = ("huggingface_hub", "safetensors", "sentence_transformers", "torch")


def require_sentence_transformers(setting: str, error: type[ZhiwenError]) -> None:
    """Raise `error` if the extra is not installed; its message names `setting` and the command that installs it."""
    require_extra("sentence-transformers", _PACKAGES, purpose=setting, error=error)
