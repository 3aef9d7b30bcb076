"""Text as every encoder takes it."""


def well_formed(text: str) -> str:
    """`text` without halves of surrogate pairs, as a JSON escape can smuggle them in: they have no UTF-8 form."""
    return text.encode("utf-8", "replace").decode("utf-8")
