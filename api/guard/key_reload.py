"""API keys of a running service: it reloads `serve.keys_file` when the file changes."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from api.guard.key_file import keys_in, text_of
from api.guard.keys import Key
from rag.errors import ConfigError
from rag.settings import ServeSettings

_CHECK_EVERY_SECONDS = 1.0

log = logging.getLogger("zhiwen.keys")


class ReloadingKeys:
    """The keys of the environment and those in `serve.keys_file`, which may change while the service runs.

    When a request presents a key, the file is checked, at most once a second. Its text is compared; an edit can leave
    time and size unchanged. While the file is missing, broken or without keys, the previous keys stay valid and the log
    says so once. So an editor that is saving the file neither opens the service nor locks anybody out.

    The constructor raises ConfigError as `keys_of` does; later failures are only logged.
    """

    def __init__(
        self, settings: ServeSettings, *, owner_token: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._owner_token = owner_token
        self._clock = clock
        self._text = text_of(settings.keys_file)
        self._ring = keys_in(self._text, settings).with_owner(owner_token)
        self._problem = ""
        self._check_at = clock() + _CHECK_EVERY_SECONDS

    @property
    def is_open(self) -> bool:
        """Whether the service started without keys. It then has no file to reload, and stays open."""
        return self._ring.is_open

    def find(self, key: str) -> Key | None:
        """The known key that equals the presented one, after reloading the file if that is due."""
        if self._settings.keys_file and self._clock() >= self._check_at:
            self._reload()
            self._check_at = self._clock() + _CHECK_EVERY_SECONDS
        return self._ring.find(key)

    def _reload(self) -> None:
        path = self._settings.keys_file
        try:
            text = _reread(path)
            if text == self._text and not self._problem:
                return
            ring = keys_in(text, self._settings)
        except (ConfigError, OSError) as error:
            if str(error) != self._problem:
                log.warning("serve.keys_file %s cannot be loaded; keeping the previous keys: %s", path, error)
            self._problem = str(error)
            return
        self._text, self._problem = text, ""
        self._ring = ring.with_owner(self._owner_token)
        log.info("serve.keys_file %s reloaded; %d API keys are valid now", path, len(ring))


def _reread(path: str) -> str:
    if Path(path).is_fifo():  # opening a pipe again blocks until somebody writes to it
        raise ConfigError(f"{path} is a pipe, which can be read only once")
    return text_of(path)
