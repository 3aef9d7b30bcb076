"""The body of a chat answer as JSON values: server-sent events, or one JSON text from a server that does not stream."""

import json
import re

DONE = object()
"""The event `[DONE]`: the answer is complete."""

_FIELD = re.compile(rb"\s*(?:data|event|id|retry)\s*:|:")
_LARGEST_WHOLE_BODY = 8 * 1024 * 1024


class NotEvents(Exception):
    """The body holds neither server-sent events nor one JSON value."""


class EventStream:
    """Decodes the body of a response, in whatever parts it arrives.

    Events are separated by their first byte, not by blank lines alone: some gateways leave those out.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data = b""
        self._is_whole: bool | None = None  # None: nothing but blank lines has come

    def feed(self, part: bytes) -> list[object]:
        """Return the JSON values of the events that the part completes, or DONE.

        Raises ValueError if an event is not JSON, NotEvents if a body that is no stream is very large.
        """
        self._rest += part
        if self._is_whole:
            if len(self._rest) > _LARGEST_WHOLE_BODY:
                raise NotEvents("more than 8 MB without an event")
            return []
        *lines, self._rest = self._rest.split(b"\n")
        values: list[object] = []
        for number, line in enumerate(lines):
            if self._is_whole is None and line.strip():
                self._is_whole = _FIELD.match(line) is None
            if self._is_whole:
                self._rest = b"\n".join([*lines[number:], self._rest])
                break
            values += self._read_line(line.rstrip(b"\r"))
        return values

    def finish(self) -> list[object]:
        """Return what the end of the body completes: a whole body is DONE. Raises ValueError or NotEvents."""
        rest, self._rest = self._rest, b""
        if self._is_whole is None and rest.strip():
            self._is_whole = _FIELD.match(rest) is None
        if not self._is_whole:
            values = self._read_line(rest) if rest.strip() else []
            self._data = b""  # the connection broke in the middle of an event
            return values
        try:
            return [json.loads(rest), DONE]
        except ValueError as error:
            raise NotEvents(" ".join(rest[:120].decode("utf-8", "replace").split())) from error

    @property
    def is_empty(self) -> bool:
        """Whether no event, comment or text has come."""
        return self._is_whole is None

    def _read_line(self, line: bytes) -> list[object]:
        name, colon, value = line.strip().partition(b":")
        if not line.strip():
            data, self._data = self._data, b""
            return [json.loads(data)] if data else []  # raises: it would have been read already if it were JSON
        if not colon or name.strip() != b"data":
            return []
        self._data = self._data + b"\n" + value if self._data else value.strip()
        if self._data == b"[DONE]":
            self._data = b""
            return [DONE]
        try:
            parsed: object = json.loads(self._data) if self._data else None
        except ValueError:
            return []  # it may go on in the next line
        complete, self._data = bool(self._data), b""
        return [parsed] if complete else []
