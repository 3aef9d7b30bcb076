"""Check that a webhook comes from the forge: the signatures of GitHub, Gitea and Forgejo, and the token of GitLab."""

import hashlib
import hmac
from collections.abc import Mapping

_SIGNATURES = ("x-hub-signature-256", "x-gitea-signature", "x-forgejo-signature")
_TOKEN = "x-gitlab-token"  # noqa: S105  (the name of a header)


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Return whether a request was made by somebody who knows the secret; False for every request if there is none.

    `headers` finds names in lower case. Comparing takes the same time whatever is wrong.
    """
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    signatures = [headers.get(name, "").removeprefix("sha256=").lower() for name in _SIGNATURES]
    matches = [_equal(signature, expected) for signature in signatures]
    matches.append(_equal(headers.get(_TOKEN, ""), secret))
    return bool(secret) and any(matches)


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
