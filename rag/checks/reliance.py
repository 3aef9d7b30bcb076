"""How far an answer of a model can be relied on, by what the passages support of it."""

from collections.abc import Iterable
from typing import Literal

from rag.checks.answer_verification import CheckedStatement, Verification
from rag.text.markers import strip_markers

Reliance = Literal["sound", "doubtful", "strayed"]
"""Whether an answer can stand alone, needs the words of the documents below it, or needs them in its place."""


def rate_answer(verification: Verification, *, is_cut: bool = False, loops: bool = False) -> Reliance:
    """Rate an answer whose statements were verified.

    `is_cut`: it ends at the length limit. If its last statement cites nothing, it is only a piece of one, which proves
    nothing. `loops`: the model went on to repeat itself, and one round of that is left.

    An answer strays if nothing of it is supported. If all its sources are ours, because the model gave none or wrong
    ones, it says what stands somewhere in the passages, which need not answer the question: it is doubtful, and strays
    if it loops. Otherwise it is doubtful if it loops, or if at least half of it is unverified. Parts are weighed by
    their letters; what is said twice counts once.
    """
    checked = [one for one in verification.checked if one.verdict.fault != "unchecked"]
    if is_cut and checked and checked[-1].attributed:
        del checked[-1]
    supported = [one for one in checked if one.verdict.supported]
    if all(one.attributed for one in supported):
        return "doubtful" if supported and not loops else "strayed"
    unverified = [one for one in checked if not one.verdict.supported]
    return "doubtful" if loops or _weight(unverified) >= _weight(supported) else "sound"


def _weight(statements: Iterable[CheckedStatement]) -> int:
    """Return the number of letters and digits of the statements; what is equal to or part of another counts once."""
    bare = {"".join(filter(str.isalnum, strip_markers(one.statement))).lower() for one in statements}
    kept: list[str] = []
    for said in sorted(bare, key=len, reverse=True):
        if not any(said in longer for longer in kept):
            kept.append(said)
    return sum(map(len, kept))
