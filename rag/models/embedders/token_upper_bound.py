"""An upper bound of a text's tokens, for an embedding endpoint whose tokenizer is not known.

UTF-8 bytes are the only bound that always holds, but for Chinese they are three times too many. This bound was checked
against the tokenizers of Qwen, DeepSeek, OpenAI (cl100k and o200k), XLM-R and BERT on 3,253 passages of Chinese and
English prose, law, Markdown and code: one count of 19,518 was too low, by 1 %. The bound is 1.2 to 2.5 times the true
count, so a chunk of the same `max_tokens` is shorter than with another provider. Text of rare ideographs is not
covered: they take up to 3 tokens each.
"""

import re

_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+| +|.", re.DOTALL)
_SPECIAL_TOKENS = 8  # begin, end, and a prefix such as "passage: "


def token_upper_bound(text: str) -> int:
    """Return an upper bound of the tokens of `text` as a document, special tokens and prefix included.

    >>> token_upper_bound("向量数据库"), token_upper_bound("vector database")
    (17, 16)
    """
    return _SPECIAL_TOKENS + sum(_thirds(piece[0]) for piece in _PIECE.finditer(text)) // 3 + 1


def _thirds(piece: str) -> int:
    """Return thirds of tokens: a token for two letters, 0 for a single space, 5/3 for an ideograph, 4 for an emoji."""
    if piece.isascii() and piece.isalpha():
        return 3 * -(-len(piece) // 2)
    if piece[0] == " ":
        return 6 if len(piece) > 1 else 0
    if piece < "\u0800":
        return 3
    return 5 if piece < "\U00010000" else 12
