"""The keys of a service while it runs: a change of the key file counts without a restart."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from api.guard.key_file import keys_in, text_of
from api.guard.keys import Key
from rag.errors import ConfigError
from rag.settings import ServeSettings

_LOOK_EVERY_SECONDS = 1.0

log = logging.getLogger("zhiwen.keys")


class ReloadingKeys:
    """The keys of the environment and those that stand in `serve.keys_file` now.

    The file is looked at when a request brings a key, at most once a second. Its text is compared, not its time and
    size, which an edit can leave as they were. While it is gone, broken or without keys, the keys read last stay, and
    the log says so once: an editor that is saving it neither opens the service nor locks anybody out. A service that
    started with keys therefore always has some; one that started without has no file to look at, and stays open.

    Raises ConfigError as `keys_of` when it is made, and never after.
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
        self._look_at = clock() + _LOOK_EVERY_SECONDS

    @property
    def is_open(self) -> bool:
        return self._ring.is_open

    def find(self, key: str) -> Key | None:
        if self._settings.keys_file and self._clock() >= self._look_at:
            self._look()
            self._look_at = self._clock() + _LOOK_EVERY_SECONDS
        return self._ring.find(key)

    def _look(self) -> None:
        path = self._settings.keys_file
        try:
            text = _text_again(path)
            if text == self._text and not self._problem:
                return
            ring = keys_in(text, self._settings)
        except (ConfigError, OSError) as error:
            if str(error) != self._problem:
                log.warning("serve.keys_file %s is of no use, the keys read before still count: %s", path, error)
            self._problem = str(error)
            return
        self._text, self._problem = text, ""
        self._ring = ring.with_owner(self._owner_token)
        log.info("serve.keys_file %s has been read anew; %d API keys count now", path, len(ring))


def _text_again(path: str) -> str:
    if Path(path).is_fifo():  # it gave its text once; to read it again could take for ever
        raise ConfigError(f"{path} is a pipe, which is read only once")
    return text_of(path)
