"""Loads sentence-transformers models by a name on the Hugging Face hub or the path of a folder.

Embedders and cross-encoders are loaded alike: a model that is on this machine is not downloaded, the hub has seconds to
answer, code that comes with a model does not run, and every error of a broken model becomes one line.
"""

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import StrictDataclassError
from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]
from safetensors import SafetensorError

from rag.errors import ZhiwenError
from rag.first_line import first_line
from rag.models.openmp import use_passive_waiting

HUB_TIMEOUT_SECONDS = 5.0
_MODEL_FILES = {".json", ".txt", ".model", ".safetensors", ".bin"}
# Seen when a file of a model is missing, truncated or contradicts another one.
_LOADING_ERRORS = (
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SafetensorError,
    StrictDataclassError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """What differs between embedders and cross-encoders.

    `setting` is the setting that names the model, `fallback` one that needs no model, `unavailable` the error to raise.
    A cached model without the file `marker` is incomplete. A bare name belongs to the account `owner`, as in the
    library. `library_class` imports the library, which takes seconds, and returns the class to construct.
    """

    setting: str
    fallback: str
    unavailable: type[ZhiwenError]
    marker: str
    owner: str
    library_class: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class PretrainedModel:
    """A loaded model; `name` is for people, `identity` is equal for equal weights, vocabulary and settings."""

    model: Any
    name: str
    identity: str


def load_pretrained(model: str, family: ModelFamily) -> PretrainedModel:
    """Return the model, from its folder, the cache or the hub.

    Raises `family.unavailable` within seconds if it is in none of them or cannot be loaded.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        loaded = _load(str(folder), family, name=model, local_files_only=True)
        return PretrainedModel(loaded, folder.name, _identity_of_folder(folder))
    if model.startswith(("/", ".", "~")) or model.count("/") > 1:
        raise family.unavailable(f"{family.setting} {model}: no such folder; {_without_network(family)}")
    repository = model if "/" in model or not family.owner else f"{family.owner}/{model}"
    loaded = _load_from_cache(repository, family, name=model)
    if loaded is None:
        _ask_hub(repository, family, name=model)
        loaded = _load(repository, family, name=model, local_files_only=False)
    return PretrainedModel(loaded, model, f"{model}\0{_cached_commit(repository, 'config.json')}")


def _load_from_cache(repository: str, family: ModelFamily, *, name: str) -> Any | None:
    if _cached_commit(repository, family.marker) is None:
        return None
    try:
        return _load(repository, family, name=name, local_files_only=True)
    except family.unavailable:  # an incomplete download; the hub has the rest
        return None


def _load(path: str, family: ModelFamily, *, name: str, local_files_only: bool) -> Any:
    # The tokenizer's own threads gain nothing next to torch's, and warn on stderr whenever the process forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    use_passive_waiting()
    # Before the import: transformers decides then whether it shows progress bars.
    disable_progress_bars()
    try:
        library_class = family.library_class()
        for chatty in ("transformers", "sentence_transformers", "huggingface_hub"):
            logging.getLogger(chatty).setLevel(logging.ERROR)
        return library_class(path, local_files_only=local_files_only, trust_remote_code=False)
    except _LOADING_ERRORS as error:
        raise family.unavailable(
            f"{family.setting} {name} cannot be loaded: {first_line(error)}; "
            f"download it again, or set {family.fallback}"
        ) from error


def _ask_hub(repository: str, family: ModelFamily, *, name: str) -> None:
    """Ask the hub in one request whether it has the model; loading would retry for over a minute."""
    try:
        HfApi().model_info(repository, timeout=HUB_TIMEOUT_SECONDS)
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise family.unavailable(
            f"{family.setting} {name} is not a folder and not completely cached here, and the hub did not return it "
            f"({type(error).__name__}: {first_line(error)}); {_without_network(family)}"
        ) from error


def _without_network(family: ModelFamily) -> str:
    return f"without a network set {family.fallback}, or {family.setting}: /path/to/a/downloaded/model"


def _cached_commit(repository: str, file: str) -> str | None:
    try:
        path = try_to_load_from_cache(repository, file, cache_dir=os.environ.get("SENTENCE_TRANSFORMERS_HOME"))
    except ValueError:  # not a valid name; the hub will say so
        return None
    return Path(path).parent.name if isinstance(path, str) else None


def _identity_of_folder(folder: Path) -> str:
    """Return a digest of configuration, vocabulary and weights, independent of the folder's path.

    It covers the whole content of .json and .txt files. Of the other model files it covers name, size and 16 samples of
    64 KiB, so that a start need not read gigabytes.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.suffix not in _MODEL_FILES or any(part.startswith(".") for part in relative.parts):
            continue
        size = path.stat().st_size
        digest.update(f"{relative.as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            if path.suffix in {".json", ".txt"}:
                digest.update(file.read())
            for sample in range(16):
                file.seek(size * sample // 16)
                digest.update(file.read(65536))
    return digest.hexdigest()
