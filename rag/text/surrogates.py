"""Text that every encoder and every server accepts."""


def replace_surrogates(text: str) -> str:
    """`text` with `?` in place of lone surrogates, which have no UTF-8 form. A JSON escape can bring them in."""
    return text.encode("utf-8", "replace").decode("utf-8")


def replace_unsendable(text: str) -> str:
    """`replace_surrogates`, and a space in place of NUL, where servers written in C end the text."""
    return replace_surrogates(text.replace("\0", " "))
