"""The protocol as a server speaks it that is not ours: `transformers serve` with a tiny model of random weights."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub.utils import disable_progress_bars

from rag.chat.fallback import FallbackChat
from rag.chat.openai_compatible import OpenAIChat
from rag.chat.presets import PRESETS
from rag.chat.protocol import Finished, TextDelta
from rag.errors import ChatRejected
from rag.settings import ChatSettings
from rag.types import Attempt
from tests.kit.chat import KEY, MESSAGES, heard
from tests.kit.waiting import eventually

pytestmark = pytest.mark.skipif(
    find_spec("accelerate") is None,
    reason="accelerate, with which `transformers serve` loads models, is not installed; it is in the extra dev",
)

TRANSFORMERS = Path(sys.executable).with_name("transformers")
_END = "<|im_end|>"
_TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant: "


def build_model(folder: Path) -> Path:
    """A Qwen of 20,000 weights, which knows bytes and no words."""
    # Imported here: they take seconds, and only this test needs them. As loading does it: transformers decides on its
    # import whether it draws progress bars.
    disable_progress_bars()
    import torch  # noqa: PLC0415
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM  # noqa: PLC0415

    vocabulary = {char: number for number, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([_END])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_END, pad_token=_END)
    wrapped.chat_template = _TEMPLATE
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(wrapped),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=32768,
        eos_token_id=wrapped.eos_token_id,
        pad_token_id=wrapped.pad_token_id,
        bos_token_id=None,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    wrapped.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The base URL of the server, and the name of its model."""
    folder = build_model(tmp_path_factory.mktemp("model"))
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    log = folder.parent / f"{folder.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [TRANSFORMERS, "serve", folder, "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder.parent), "HF_HUB_OFFLINE": "1"},
        )
    try:
        wait_until_healthy(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1", str(folder)
    finally:
        process.kill()
        process.wait()


def wait_until_healthy(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    def is_healthy() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx2.get(url, timeout=5, trust_env=False).status_code == 200
        except httpx2.HTTPError:
            return False

    eventually(is_healthy, within_seconds=200, message="the server answers")


def chat_at(base_url: str, model: str, **given: Any) -> FallbackChat:
    settings = ChatSettings(**{"max_attempts": 1, "max_answer_tokens": 16, **given})
    preset = PRESETS["qwen"]  # with a switch for thinking, which this server does not take
    one = OpenAIChat(settings, name="custom/tiny", base_url=base_url, model=model, api_key=KEY, preset=preset)
    return FallbackChat([one], settings)


def test_an_answer_comes_in_pieces_stops_at_its_limit_and_is_counted(served: tuple[str, str]) -> None:
    pieces, error = asyncio.run(heard(chat_at(*served)))
    assert error is None
    assert sum(isinstance(piece, TextDelta) for piece in pieces) > 1
    end = pieces[-1]
    assert isinstance(end, Finished)
    assert end.truncated
    assert end.usage is not None
    assert end.usage.completion_tokens == 16
    assert end.usage.prompt_tokens > len(MESSAGES[0].content)
    [attempt] = [piece for piece in pieces if isinstance(piece, Attempt)]
    assert attempt.outcome == "truncated"
    assert attempt.first_token_seconds is not None


def test_a_model_that_it_does_not_have_is_an_error_that_says_so(served: tuple[str, str]) -> None:
    pieces, error = asyncio.run(heard(chat_at(served[0], "another")))
    assert isinstance(error, ChatRejected)
    assert "another" in str(error)
    assert not any(isinstance(piece, TextDelta | Finished) for piece in pieces)


def test_an_answer_can_be_abandoned_and_the_server_asked_again(served: tuple[str, str]) -> None:
    async def run() -> None:
        chat = chat_at(*served, max_answer_tokens=2000)
        stream = chat.stream(MESSAGES)
        await anext(stream)
        await stream.aclose()
        await chat.close()

    asyncio.run(run())
    pieces, error = asyncio.run(heard(chat_at(*served)))
    assert error is None
    assert isinstance(pieces[-1], Finished)
