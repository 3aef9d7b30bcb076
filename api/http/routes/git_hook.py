"""`POST /hooks/git/NAME`: a forge reports a push to the repository of a knowledge base."""

import json
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.guard.hook_signature import is_signed
from api.http.pushes import Pushes
from api.request_errors import HookUnreadable, HookUnsigned
from api.schemas.error_bodies import ERRORS
from api.service.audit import note_knowledge_bases
from rag.settings import Settings

_BRANCH = "refs/heads/"


class HookResponse(BaseModel):
    """What the webhook leads to. `reason` says why nothing is fetched."""

    accepted: bool = Field(description="Whether the branch is fetched and ingested now; `GET /ingest` shows how far.")
    reason: str = ""


def add_git_hook(app: FastAPI, settings: Settings, pushes: Pushes) -> None:
    """Add the route. It needs no API key: the forge signs what it sends."""

    @app.post(
        "/hooks/git/{name}",
        status_code=202,
        responses={**ERRORS, 200: {"model": HookResponse, "description": "Nothing is fetched."}},
        tags=["ingest"],
    )
    async def git_pushed(name: str, request: Request, response: Response) -> HookResponse:
        """Take the webhook of GitHub, GitLab, Gitea or Forgejo, and fetch in the background.

        The signature must be by the secret of the knowledge base. A push to another branch leads to nothing.
        """
        body = await request.body()
        is_known = name in settings.knowledge_base_names
        note_knowledge_bases([name] if is_known else [])
        source = settings.for_knowledge_base(name).knowledge if is_known else settings.knowledge
        secret = source.git_webhook_secret.get_secret_value() if is_known and source.git_url else ""
        # In a thread, because it takes a while for a large body.
        if not await run_in_threadpool(is_signed, request.headers, body, secret):
            # The same for an unknown name, so that nobody can find out which ones exist.
            raise HookUnsigned(
                "the signature of the webhook is missing or wrong; its secret must be the one that the variable of "
                "git_webhook_secret has on this server, such as ZHIWEN_KNOWLEDGE__GIT_WEBHOOK_SECRET"
            )
        if reason := _reason_against(_payload(body, request.headers.get("content-type", "")), source.git_branch):
            response.status_code = 200
            return HookResponse(accepted=False, reason=reason)
        pushes.note(name)
        return HookResponse(accepted=True)


def _payload(body: bytes, content_type: str) -> dict[str, Any]:
    """Return what the forge says. Raises HookUnreadable. GitHub sends it as a form unless it is told otherwise."""
    try:
        text = body.decode()
        if content_type.startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text, max_num_fields=10)["payload"][0]
        payload = json.loads(text)
    except (ValueError, KeyError, RecursionError) as error:
        raise HookUnreadable(
            "the webhook is not JSON; choose the content type application/json on the forge"
        ) from error
    return payload if isinstance(payload, dict) else {}


def _reason_against(payload: dict[str, Any], branch: str) -> str:
    """Return why nothing is to be fetched; "" if something is."""
    reference = payload.get("ref")
    if not isinstance(reference, str) or not reference.startswith(_BRANCH):
        return "not a push to a branch"
    wanted = branch or _default_branch(payload)
    return f"not a push to {wanted}" if wanted and reference != f"{_BRANCH}{wanted}" else ""


def _default_branch(payload: dict[str, Any]) -> str:
    for key in ("repository", "project"):
        about = payload.get(key)
        if isinstance(about, dict) and isinstance(about.get("default_branch"), str):
            return str(about["default_branch"])
    return ""
