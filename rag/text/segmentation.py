"""Chinese text segmented into words by the dictionary of jieba.

The dictionary takes 0.16 s to load, so it is loaded at the first call.
"""


def segment(text: str) -> list[str]:
    """Return the words of a text in order. Joined, they are the text.

    >>> segment("我们部署向量数据库")
    ['我们', '部署', '向量', '数据库']
    """
    import rjieba  # noqa: PLC0415

    return list(rjieba.cut(text))


def tag(text: str) -> list[tuple[str, str]]:
    """Return the words of a text in order, each with its part of speech in jieba's notation, such as `n` or `nr`."""
    import rjieba  # noqa: PLC0415

    return list(rjieba.tag(text))
