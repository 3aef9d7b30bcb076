"""Answers as messages: what platforms read into a text, and how long it may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bots.message_text import message_text, split_message
from api.bots.routes import open_bots
from api.service.ask import AskResponse, CitationOut
from rag.bot_settings import BotSettings
from rag.errors import ConfigError

LINES = st.lists(st.text(st.sampled_from("ab 中文🙂\n"), max_size=40), max_size=30).map("\n".join)


def answered(text: str, *headings: str, unverified: tuple[str, ...] = ()) -> str:
    citations = [
        CitationOut(
            number=number,
            source="a.md",
            heading_path=[heading],
            anchor="",
            start_line=1,
            end_line=1,
            quote="",
            url="https://kb.example.com/docs/a.md",
        )
        for number, heading in enumerate(headings, 1)
    ]
    answer = AskResponse(
        answer=text,
        refused=False,
        reason=None,
        citations=citations,
        unverified=list(unverified),
        model="m",
        generation=1,
        trace_id="",
    )
    return message_text("What is it?", answer)


@pytest.mark.parametrize("tag", ["<at id=all></at>", "<@all>", '<font color="warning">x</font>', "<!x>", "<a href=x>"])
def test_nothing_in_an_answer_is_a_command_of_the_platform(tag: str) -> None:
    text = answered(f"It is {tag} [1].", f"H {tag} ](https://evil.example)", unverified=(f"So {tag}",))
    assert "<" not in text
    assert "](https://evil.example)" not in text
    assert text.count("](https://kb.example.com/docs/a.md)") == 1


def test_comparisons_stay_as_they_are() -> None:
    assert answered("1 < 2, a <b [1].", "H").startswith("1 < 2, a ＜b [1].\n\nSources:\n[1] [H](")


@given(LINES, st.integers(8, 60))
def test_pieces_fit_and_lose_nothing_but_what_is_too_much(text: str, max_bytes: int) -> None:
    pieces = split_message(text, max_bytes)
    assert len(pieces) <= 5
    assert all(0 < len(piece.encode()) <= max_bytes for piece in pieces)
    kept = "".join("".join(pieces).split())
    if pieces and pieces[-1].endswith("…"):
        assert "".join(text.split()).startswith(kept.removesuffix("…"))
    else:
        assert kept == "".join(text.split())


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"feishu_app_id": "cli_a"}, "ZHIWEN_BOTS__FEISHU_APP_SECRET"),
        ({"feishu_app_id": "cli_a", "feishu_app_secret": "s"}, "ZHIWEN_BOTS__FEISHU_ENCRYPT_KEY"),
        ({"wecom_corp_id": "ww", "wecom_secret": "s", "wecom_token": "t", "wecom_aes_key": "short"}, "43 characters"),
    ],
)
def test_a_bot_that_lacks_a_secret_is_not_opened(given_settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_bots(BotSettings.model_validate(given_settings))


def test_secrets_go_to_no_address_that_came_with_a_folder() -> None:
    settings = BotSettings.model_validate(
        {
            "feishu_app_id": "a",
            "feishu_app_secret": "s",
            "feishu_encrypt_key": "k",
            "feishu_url": "https://evil.example",
        }
    )
    assert open_bots(settings).feishu
    settings.mark_found(["feishu_url"])
    with pytest.raises(ConfigError, match="zhiwen --config"):
        open_bots(settings)
    lark = settings.model_copy(update={"feishu_url": "https://open.larksuite.com"})
    lark.mark_found(["feishu_url"])
    assert open_bots(lark).feishu
