"""The callbacks of Feishu and WeCom, at `/hooks/feishu` and `/hooks/wecom`. The platforms sign what they send."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from starlette.background import BackgroundTask

from api.bots.answering import BotAnswers
from api.bots.feishu import FeishuBot
from api.bots.platform import Reply
from api.bots.wecom import WecomBot
from api.guard.keys import Keys
from api.monitoring.request_log import note_caller
from api.public_urls import base_url
from rag.bot_settings import BotSettings
from rag.errors import ConfigError
from rag.rights import UNLIMITED, Rights
from rag.wiring import Services


@dataclass(frozen=True, slots=True)
class Bots:
    """The bots that are configured."""

    feishu: FeishuBot | None
    wecom: WecomBot | None

    async def close(self) -> None:
        """Close the connections to the platforms."""
        for bot in (self.feishu, self.wecom):
            if bot:
                await bot.close()


def open_bots(settings: BotSettings) -> Bots:
    """Return the bots whose ids are set. No platform is contacted yet.

    Raises ConfigError if a bot lacks a secret, or if its secrets would go to an address that nobody vouches for.
    """
    feishu = wecom = None
    if settings.feishu_app_id:
        _check(settings, "feishu", ("feishu_app_secret", "feishu_encrypt_key"))
        feishu = FeishuBot(settings)
    if settings.wecom_corp_id:
        _check(settings, "wecom", ("wecom_secret", "wecom_token", "wecom_aes_key"))
        wecom = WecomBot(settings)
    return Bots(feishu, wecom)


def add_bots(app: FastAPI, bots: Bots, services: Services, keys: Keys) -> None:
    """Add the routes of the configured bots. Raises ConfigError if `bots.rights_of` names no API key or group."""
    serve, rights = services.settings.serve, _rights_now(services.settings.bots.rights_of, keys)

    def response(reply: Reply, answers: BotAnswers, request: Request) -> Response:
        """Reply immediately. The answer follows in the background; until then the request counts as running."""
        note_caller(answers.name)
        question = reply.question
        work = None
        if question and answers.is_new(question):
            work = BackgroundTask(answers.answer, question, base_url(serve, request))
        return Response(reply.content, media_type=reply.media_type, background=work)

    if feishu := bots.feishu:
        feishu_answers = BotAnswers(services, feishu, rights)

        @app.post("/hooks/feishu", include_in_schema=False)
        async def feishu_event(request: Request) -> Response:
            return response(feishu.read(request.headers, await request.body()), feishu_answers, request)

    if wecom := bots.wecom:
        wecom_answers = BotAnswers(services, wecom, rights)

        @app.get("/hooks/wecom", include_in_schema=False)
        async def wecom_echo(request: Request) -> Response:
            return response(wecom.echo(request.query_params), wecom_answers, request)

        @app.post("/hooks/wecom", include_in_schema=False)
        async def wecom_message(request: Request) -> Response:
            return response(wecom.read(request.query_params, await request.body()), wecom_answers, request)


def _rights_now(name: str, keys: Keys) -> Callable[[], Rights]:
    """Return a function for the current rights of a key or group, which has none once it is removed."""
    if not name:
        return lambda: UNLIMITED
    if keys.rights_of(name) is None:
        raise ConfigError(f"bots.rights_of is {name}, but there is no API key or group of that name")
    return lambda: keys.rights_of(name) or Rights()


def _check(settings: BotSettings, platform: str, secrets: tuple[str, ...]) -> None:
    for secret in secrets:
        if not getattr(settings, secret).get_secret_value():
            raise ConfigError(
                f"the {platform} bot needs a secret; set ZHIWEN_BOTS__{secret.upper()} in the environment"
            )
    default = BotSettings.model_fields[f"{platform}_url"].default
    if settings.was_found(f"{platform}_url") and getattr(settings, f"{platform}_url") not in (default, _LARK):
        raise ConfigError(
            f"bots.{platform}_url is from a config.yaml that nobody named, so the secrets of the bot are not sent "
            f"there; if that file is yours, run `zhiwen --config config.yaml serve`"
        )


_LARK = "https://open.larksuite.com"
