"""Text as every encoder takes it."""


def replace_surrogates(text: str) -> str:
    """`text` without halves of surrogate pairs, as a JSON escape can smuggle them in: they have no UTF-8 form."""
    return text.encode("utf-8", "replace").decode("utf-8")


def replace_unsendable(text: str) -> str:
    """Well-formed, and without NUL, at which servers written in C stop."""
    return replace_surrogates(text.replace("\0", " "))
