"""A polite client for one site: it obeys robots.txt, pauses between requests, and asks only for what has changed."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Protocol, Self

import httpx2

from ingest.sources.web_answer import WebAnswer, read_at_most
from rag.errors import SourceError
from rag.first_line import first_line
from rag.optional_packages import require_extra
from rag.source_settings import SourceSettings, secret_variable
from rag.web_address import on_site, page_address, site_of

AGENT = "zhiwen"
"""How requests name us, and the name that a robots.txt can use."""

_TIMEOUT = httpx2.Timeout(20, connect=10)
_ANSWER_SECONDS = 30.0
_MAX_REDIRECTS = 5
_MAX_ROBOTS_BYTES = 512 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (429, 503)
_ATTEMPTS = 3
_LONGEST_RETRY_SECONDS = 30
_CHUNK_BYTES = 64 * 1024


class KnownPage(Protocol):
    """What lets a server answer that a page has not changed since it was read."""

    @property
    def etag(self) -> str:
        """The ETag, "" without one."""

    @property
    def last_modified(self) -> str:
        """The header Last-Modified, "" without one."""


class WebClient:
    """Asks the site of `web_url`, and no other host or port. Several threads use it at the same time.

    The first call reads robots.txt, and must end before others begin. A context manager: leaving it ends the calls that
    still wait. `options` are those of the HTTP client. Raises SourceError if the extra `web` is missing.
    """

    def __init__(
        self, settings: SourceSettings, knowledge_base: str, known: Mapping[str, KnownPage], **options: Any
    ) -> None:
        require_extra("web", ["protego"], purpose=settings.web_url, error=SourceError)
        self.site = site_of(settings.web_url)
        self.set_token = f"set {secret_variable('web_token', knowledge_base)} to a token that may read it"
        self._settings = settings
        self._known = known
        self._pause = settings.web_pause_seconds
        self._next = time.monotonic()
        self._turn = threading.Lock()
        self._is_over = threading.Event()
        self._client = httpx2.Client(headers=_headers(settings), timeout=_TIMEOUT, auth=_auth(settings), **options)
        self._robots: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._client.close()

    def get(self, address: str, *, max_bytes: int, is_conditional: bool = True) -> WebAnswer:
        """Return the server's answer, with at most `max_bytes` of its content. Raises SourceError if there is none.

        Redirects to other pages of the site are followed if robots.txt allows them. The answer for a known page that
        has not changed is 304, if the request `is_conditional`.
        """
        if self._robots is None:
            self._robots = self._read_robots()
            self._pause = max(self._pause, float(self._robots.crawl_delay(AGENT) or 0))
        return self._follow(address, max_bytes, self._robots, is_conditional=is_conditional)

    def error(self, problem: str, way_out: str) -> SourceError:
        """Return the error for a problem of the site."""
        return SourceError(f"{self._settings.web_url}: {problem}; {way_out}. The live generation stays as it is")

    def _read_robots(self) -> Any:
        from protego import Protego  # noqa: PLC0415  (an extra)

        none = Protego.parse("")
        answer = self._follow(f"{self.site}/robots.txt", _MAX_ROBOTS_BYTES, none, may_be_missing=True)
        return Protego.parse(answer.content.decode(errors="replace")) if answer.status == 200 else none

    def _follow(
        self,
        address: str,
        max_bytes: int,
        robots: Any,
        *,
        is_conditional: bool = False,
        may_be_missing: bool = False,
    ) -> WebAnswer:
        at = address
        for _ in range(_MAX_REDIRECTS + 1):
            if not robots.can_fetch(at, AGENT):
                return WebAnswer(at, passed_over=f"robots.txt closes {at} to {AGENT}")
            conditions = self._conditions(at) if is_conditional else {}
            answer, leads_to = self._ask(at, max_bytes, conditions, may_be_missing=may_be_missing)
            if not leads_to:
                return replace(answer, is_redirected=at != address)
            there = page_address(leads_to, at)
            at, before = on_site(there, self.site), at
            if not at:
                return WebAnswer(before, passed_over=f"it leads to {there or 'no page'}, which is not on {self.site}")
        raise self.error(f"{address} leads to other pages more than {_MAX_REDIRECTS} times", "tell its owner")

    def _ask(
        self, address: str, max_bytes: int, conditions: Mapping[str, str], *, may_be_missing: bool
    ) -> tuple[WebAnswer, str]:
        """Return the answer to one request, and the address of a redirect or ""."""
        for attempt in range(_ATTEMPTS):
            self._wait_for_turn()
            with self._errors(address), self._client.stream("GET", address, headers=conditions) as got:
                if got.status_code in _REDIRECTS:
                    return WebAnswer(address), got.headers.get("location", "")
                wait = _retry_seconds(got) if got.status_code in _BUSY else None
                if wait is None or attempt + 1 == _ATTEMPTS:
                    return self._answer(got, address, max_bytes, may_be_missing=may_be_missing), ""
            self._is_over.wait(wait)
        raise AssertionError("the last attempt returns")

    def _answer(self, got: httpx2.Response, address: str, max_bytes: int, *, may_be_missing: bool) -> WebAnswer:
        status, headers = got.status_code, got.headers
        # A robots.txt that is refused does not close the site, as its standard (RFC 9309) has it.
        if status not in (200, 304, 404, 410) and not (may_be_missing and 400 <= status < 500 and status != 429):
            raise self._refused(address, status)
        content = b""
        if status == 200:
            content = read_at_most(_in_time(got), max_bytes, encoding=headers.get("content-encoding", ""))
        return WebAnswer(
            address,
            status,
            content,
            headers.get("content-type", ""),
            headers.get("etag", ""),
            headers.get("last-modified", ""),
        )

    def _refused(self, address: str, status: int) -> SourceError:
        if status in (401, 403, 407):
            way_out = f"{self.set_token}, or leave the page out with exclude"
        else:
            way_out = "it is tried again later; a page that stays so can be left out with exclude"
        return self.error(f"{address} answers with the status {status}", way_out)

    def _conditions(self, address: str) -> dict[str, str]:
        known = self._known.get(address)
        given = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified} if known else {}
        return {name: value for name, value in given.items() if value}

    def _wait_for_turn(self) -> None:
        """Wait until the pause after the last request is over. Raises SourceError if nobody waits any more."""
        with self._turn:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._pause
        if self._is_over.wait(turn - time.monotonic()):
            raise self.error("it was given up", "try again")

    @contextmanager
    def _errors(self, address: str) -> Iterator[None]:
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RuntimeError) as error:  # RuntimeError: it was closed
            raise self.error(f"{address}: {first_line(error)}", "check web_url and the network") from error


def _headers(settings: SourceSettings) -> dict[str, str]:
    headers = {"User-Agent": AGENT, "Accept": "text/html, */*;q=0.5", "Accept-Encoding": "gzip"}
    token = settings.web_token.get_secret_value()
    return {**headers, "Authorization": f"Bearer {token}"} if token and not settings.web_user else headers


def _auth(settings: SourceSettings) -> httpx2.BasicAuth | None:
    user = settings.web_user
    return httpx2.BasicAuth(user, settings.web_token.get_secret_value()) if user else None


def _retry_seconds(got: httpx2.Response) -> float | None:
    """Return how long a busy server wants us to wait; None if that is too long, or if it does not say."""
    wanted = got.headers.get("retry-after", "")
    return float(wanted) if wanted.isdecimal() and int(wanted) <= _LONGEST_RETRY_SECONDS else None


def _in_time(got: httpx2.Response) -> Iterator[bytes]:
    """Yield the content in chunks. Raises ValueError if that takes too long."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    for chunk in got.iter_raw(_CHUNK_BYTES):
        if time.monotonic() > deadline:
            raise ValueError(f"the answer takes longer than {_ANSWER_SECONDS:g} s")
        yield chunk
