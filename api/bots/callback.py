"""What the callbacks of chat platforms have in common: a question, its age, and how their bodies are encrypted."""

import base64
import binascii
import time
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from api.request_errors import HookUnsigned

MAX_AGE_SECONDS = 300
_AES_BLOCK_BYTES = 16


@dataclass(frozen=True, slots=True)
class BotQuestion:
    """A question to a bot. `event_id` is the same in each delivery; `answer_to` is a message or a person."""

    event_id: str
    text: str
    answer_to: str


def check_age(timestamp: str) -> None:
    """Raise HookUnsigned if a request was signed more than five minutes ago: somebody may have recorded it."""
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16
    if not is_number or abs(time.time() - int(timestamp)) > MAX_AGE_SECONDS:
        raise HookUnsigned("the request is older than five minutes, or the clock of this server is wrong")


def decrypt(encrypted: str, *, key: bytes, iv: bytes | None = None, block_bytes: int) -> bytes:
    """Decrypt base64 of AES-256-CBC with PKCS#7 padding. Raises the same HookUnsigned whatever is wrong.

    Without `iv`, the first 16 bytes are the initialisation vector.
    """
    try:
        data = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HookUnsigned(WRONG_KEY) from error
    if iv is None:
        iv, data = data[:_AES_BLOCK_BYTES], data[_AES_BLOCK_BYTES:]
    if not data or len(iv) != _AES_BLOCK_BYTES or len(data) % _AES_BLOCK_BYTES:
        raise HookUnsigned(WRONG_KEY)
    decryptor = Cipher(AES256(key), CBC(iv)).decryptor()
    padded = decryptor.update(data) + decryptor.finalize()
    padding = padded[-1]
    if not 1 <= padding <= block_bytes or not padded.endswith(bytes([padding]) * padding):
        raise HookUnsigned(WRONG_KEY)
    return padded[:-padding]


WRONG_KEY = "the signature of the request is missing or wrong; its secrets must be those of the bot's settings"
