"""Calls of a platform's API with an access token, which is fetched when needed and kept until it expires."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from api.bots.platform import PlatformError
from rag.models.http_route import find_route

_TIMEOUT_SECONDS = 10.0
_EARLY_SECONDS = 120
"""A token is replaced this long before it expires."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and for how many seconds it is valid."""

    value: str
    seconds: float


class PlatformAPI:
    """Posts JSON to a platform. `error_field` is 0 in a reply that succeeded; `expired` are its values for old tokens.

    `fetch_token` gets this object and returns a new token.
    """

    def __init__(
        self,
        base_url: str,
        *,
        error_field: str,
        expired: frozenset[int],
        fetch_token: Callable[["PlatformAPI"], Awaitable[AccessToken]],
    ) -> None:
        self._base_url = base_url
        self._error_field = error_field
        self._expired = expired
        self._fetch_token = fetch_token
        self._client = httpx2.AsyncClient(**find_route(base_url).client_options, timeout=_TIMEOUT_SECONDS)
        self._lock = asyncio.Lock()
        self._token = ""
        self._ends_at = 0.0

    async def post_with_token(self, path: str, body: Mapping[str, Any], *, in_query: bool) -> None:
        """Post with a token in the query or a header, and once more if the token has expired. Raises PlatformError."""
        for is_last_try in (False, True):
            token = await self._current_token()
            query = {"access_token": token} if in_query else {}
            headers = {} if in_query else {"Authorization": f"Bearer {token}"}
            reply = await self.call("POST", path, body=body, query=query, headers=headers)
            code = reply[self._error_field]
            if code == 0:
                return
            has_expired = code in self._expired
            if has_expired:
                self._ends_at = 0.0
            if is_last_try or not has_expired:
                raise PlatformError(f"{self._base_url}{path} refuses the message: {reply}")

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object of a reply, which has the error field. Raises PlatformError."""
        try:
            response = await self._client.request(
                method, self._base_url + path, json=body, params=query or {}, headers=headers or {}
            )
            reply = response.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise PlatformError(f"{self._base_url}{path} gave no reply ({type(error).__name__})") from error
        if not isinstance(reply, dict) or not isinstance(reply.get(self._error_field), int):
            raise PlatformError(f"{self._base_url}{path} gave an unknown reply (HTTP {response.status_code})")
        return reply

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _current_token(self) -> str:
        async with self._lock:
            if time.monotonic() >= self._ends_at:
                token = await self._fetch_token(self)
                self._token = token.value
                self._ends_at = time.monotonic() + max(0.0, token.seconds - _EARLY_SECONDS)
            return self._token
