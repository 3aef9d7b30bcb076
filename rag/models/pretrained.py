"""Models of sentence-transformers, loaded by a name on the Hugging Face hub or the path of a folder.

Embedders and cross-encoders are loaded with the same care: nothing is fetched that is here, the hub is given seconds,
code that comes with a model is not run, and whatever a broken model makes the libraries raise becomes one line.
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

from rag.errors import ZhiwenError, first_line
from rag.models.openmp import use_passive_waiting

HUB_TIMEOUT_SECONDS = 5.0
_MODEL_FILES = {".json", ".txt", ".model", ".safetensors", ".bin"}
# What a missing, cut off or contradictory file of a model was seen to raise.
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
    """What differs between the kinds of models.

    `setting` names the model, `fallback` is the setting that does without it, `unavailable` what is raised. `marker` is
    a file without which a model in the cache is not whole, `owner` whose model a bare name is, as the library reads it.
    `library_class` imports, which takes seconds, and returns the class to construct.
    """

    setting: str
    fallback: str
    unavailable: type[ZhiwenError]
    marker: str
    owner: str
    library_class: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class PretrainedModel:
    """A loaded model; `name` is for people, `identity` the same for the same weights, vocabulary and settings."""

    model: Any
    name: str
    identity: str


def load_pretrained(model: str, family: ModelFamily) -> PretrainedModel:
    """Raises `family.unavailable`, within seconds, if the model is neither here nor to be had from the hub."""
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
    except family.unavailable:  # a download that broke off; the hub has the rest
        return None


def _load(path: str, family: ModelFamily, *, name: str, local_files_only: bool) -> Any:
    # The tokenizer's own threads win nothing beside torch's, and warn on stderr whenever the process forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    use_passive_waiting()
    # Before the import, because transformers decides there whether it draws progress bars.
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
    """Find out in one request whether the hub has the model; loading it would retry for over a minute first."""
    try:
        HfApi().model_info(repository, timeout=HUB_TIMEOUT_SECONDS)
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise family.unavailable(
            f"{family.setting} {name} is not a folder and not, or not completely, cached here, and the hub did not "
            f"give it ({type(error).__name__}: {first_line(error)}); {_without_network(family)}"
        ) from error


def _without_network(family: ModelFamily) -> str:
    return f"without a network set {family.fallback}, or {family.setting}: /path/to/a/downloaded/model"


def _cached_commit(repository: str, file: str) -> str | None:
    try:
        path = try_to_load_from_cache(repository, file, cache_dir=os.environ.get("SENTENCE_TRANSFORMERS_HOME"))
    except ValueError:  # not a possible name; asking the hub will say so
        return None
    return Path(path).parent.name if isinstance(path, str) else None


def _identity_of_folder(folder: Path) -> str:
    """A digest of configuration, vocabulary and weights, wherever the folder lies.

    Covers the whole content of every .json and .txt file and, so that gigabytes need not be read at every start,
    name, size and 16 samples of 64 KiB of every other file of the kinds that models are made of.
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
