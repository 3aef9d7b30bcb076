"""Colours of code: which parts of it are comments, keywords, texts and so on."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Name, Number, String, Token, _TokenType

MAX_CHARACTERS = 10_000
"""Longer code stays plain: for hostile code, the time that highlighting takes grows with the square of its length."""

# Not all that pygments knows: each of its lexers is a program that a document could choose to run.
LANGUAGES = frozenset(
    (
        "bash sh shell zsh console bat powershell ps1 c cpp c++ csharp cs css scss dart diff docker dockerfile go "
        "golang graphql groovy html http ini toml java javascript js jsx json json5 kotlin lua make makefile "
        "nginx objective-c perl php properties protobuf proto python py python3 pycon r rb ruby rust rs scala sql "
        "swift ts tsx typescript xml yaml yml"
    ).split()
)
"""The names of languages that are highlighted."""

# The first one that contains a token's type decides.
_CLASSES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "comment"),
    (Keyword, "keyword"),
    (String, "string"),
    (Number, "number"),
    (Name.Function, "name"),
    (Name.Class, "name"),
    (Name.Decorator, "name"),
    (Name.Tag, "keyword"),
    (Name.Attribute, "name"),
    (Name.Builtin, "builtin"),
    (Name.Variable, "builtin"),
    (Generic.Deleted, "deleted"),
    (Generic.Inserted, "string"),
    (Generic.Prompt, "comment"),
    (Generic.Output, "comment"),
    (Token, ""),
)


def highlighted(code: str, language: str) -> list[list[tuple[str, str]]] | None:
    """Return the pieces of each line of code, each with its class or ""; None if the code is to stay plain.

    >>> highlighted("x = 1", "python")
    [[('x = ', ''), ('1', 'code-number')]]
    """
    if len(code) > MAX_CHARACTERS or language.lower() not in LANGUAGES:
        return None
    lines: list[list[tuple[str, str]]] = [[]]
    for kind, group in groupby(_tokens(f"{code}\n", language.lower()), key=lambda token: token[1]):
        first, *others = "".join(text for text, _ in group).split("\n")
        lines[-1] += [(first, kind)] * bool(first)
        lines += [[(text, kind)] if text else [] for text in others]
    lines.pop()  # what follows the last line end, which some lexers need
    # A lexer that changes the code is not used.
    return lines if "\n".join("".join(text for text, _ in line) for line in lines) == code else None


def _tokens(code: str, language: str) -> Iterator[tuple[str, str]]:
    for kind, text in _lexer(language).get_tokens(code):
        name = next(name for parent, name in _CLASSES if kind in parent)
        yield text, f"code-{name}" if name else ""


@lru_cache
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)
