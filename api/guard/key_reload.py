"""API keys of a running service: it reloads `serve.keys_file` when the file changes."""

import logging
import time
from collections.abc import Callable, Collection
from pathlib import Path

from api.guard.key_file import keys_in
from api.guard.keys import Group, Key, KeyRing
from api.service.key_entries import entries_of, text_of
from rag.errors import ConfigError
from rag.rights import Rights
from rag.serve_settings import ServeSettings

_CHECK_EVERY_SECONDS = 1.0

log = logging.getLogger("zhiwen.keys")


class ReloadingKeys:
    """The keys of the environment and those in `serve.keys_file`, which may change while the service runs.

    A look-up checks the file, at most once a second. Its text is compared; an edit can leave time and size unchanged.
    While the file is missing, broken or without keys, the previous keys stay valid and the log says so once. So an
    editor that is saving the file neither opens the service nor locks anybody out. At the start the file may be
    missing: the service then has only the key of its command line until the first one is added.

    The constructor raises ConfigError as `keys_of` does; later failures are only logged.
    """

    def __init__(
        self, settings: ServeSettings, *, owner_token: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._owner_token = owner_token
        self._clock = clock
        self._text = text_of(settings.keys_file)
        ring = keys_in(self._text, settings)
        self._has_keys = len(ring) > 0
        self._ring = ring.with_owner(owner_token)
        self._problem = ""
        self._check_at = clock() + _CHECK_EVERY_SECONDS
        if self.awaits_first:
            log.warning(
                "no API keys yet, so nobody can ask; `zhiwen keys new NAME --file %s` makes one, which this server "
                "accepts within two seconds",
                settings.keys_file,
            )

    def warn_about_others(self, knowledge_bases: Collection[str]) -> None:
        """Log the knowledge bases that keys are bound to and that do not exist: such a key sees nothing of them."""
        for name in sorted(self._ring.knowledge_bases.difference(knowledge_bases)):
            there_are = ", ".join(knowledge_bases)
            log.warning("an API key is bound to the unknown knowledge base %s; there are: %s", name, there_are)

    @property
    def is_open(self) -> bool:
        """Whether the service started without keys and without a file. It then stays open."""
        return not self._has_keys and not self._settings.keys_file

    @property
    def awaits_first(self) -> bool:
        """Whether there is a file to follow and no key yet, after reloading the file if that is due."""
        self._reload_if_due()
        return not self._has_keys and bool(self._settings.keys_file)

    @property
    def origins(self) -> frozenset[str]:
        """The origins of all public keys, after reloading the file if that is due."""
        self._reload_if_due()
        return self._ring.origins

    def find(self, key: str) -> Key | None:
        """The known key that equals the presented one, after reloading the file if that is due."""
        self._reload_if_due()
        return self._ring.find(key)

    def find_group(self, name: str) -> Group | None:
        """The known group of this name, after reloading the file if that is due."""
        self._reload_if_due()
        return self._ring.find_group(name)

    def rights_of(self, name: str) -> Rights | None:
        """What the known key or group of this name may see, after reloading the file if that is due."""
        self._reload_if_due()
        return self._ring.rights_of(name)

    def _reload_if_due(self) -> None:
        if self._settings.keys_file and self._clock() >= self._check_at:
            self._reload()
            self._check_at = self._clock() + _CHECK_EVERY_SECONDS

    def _reload(self) -> None:
        path = self._settings.keys_file
        try:
            text = _reread(path)
            if text == self._text and not self._problem:
                return
            ring = _ring(text, self._settings)
        except (ConfigError, OSError) as error:
            if str(error) != self._problem:
                log.warning("serve.keys_file %s cannot be loaded; keeping the previous keys: %s", path, error)
            self._problem = str(error)
            return
        self._text, self._problem = text, ""
        self._has_keys = True
        self._ring = ring.with_owner(self._owner_token)
        log.info("serve.keys_file %s reloaded; %d API keys are valid now", path, len(ring))


def _reread(path: str) -> str:
    if Path(path).is_fifo():  # opening a pipe again blocks until somebody writes to it
        raise ConfigError(f"{path} is a pipe, which can be read only once")
    return text_of(path)


def _ring(text: str, settings: ServeSettings) -> KeyRing:
    if not entries_of(text):
        path = settings.keys_file
        raise ConfigError(f"it is missing or has no keys; `zhiwen keys new NAME --file {path}` adds one")
    return keys_in(text, settings)
