"""Text that every encoder and every server accepts."""


def replace_surrogates(text: str) -> str:
    """Return `text` with `?` in place of lone surrogates, which have no UTF-8 form. A JSON escape can bring them in."""
    return text.encode("utf-8", "replace").decode("utf-8")


def replace_unsendable(text: str) -> str:
    """Replace surrogates, and NUL by a space: servers written in C end the text at a NUL."""
    return replace_surrogates(text.replace("\0", " "))
