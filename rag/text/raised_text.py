"""Exponents and indices as plain text: HTML is removed from answers, but `10<sup>6</sup>` must not become `106`.

>>> plain_scripts("10<sup>-3</sup>, H<sub>2</sub>O, x<sup>max</sup>")
'10⁻³, H₂O, x^max'
"""

import re

SCRIPT = re.compile(r"<(?P<script>su[bp])>(?P<raised>[+\-−=()\w]{1,20})</(?P=script)>", re.IGNORECASE)
_RAISED = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")


def plain_scripts(text: str) -> str:
    """Return the text with `<sup>` and `<sub>` as Unicode characters, or behind `^` and `_` where there are none."""
    return SCRIPT.sub(lambda match: write_script(match["script"], match["raised"]), text)


def write_script(kind: str, text: str) -> str:
    """Return raised (`kind` is `sup`) or lowered text."""
    is_raised = kind.lower() == "sup"
    written = text.translate(_RAISED if is_raised else _LOWERED)
    return written if not any(map(str.isascii, written)) else f"{'^' if is_raised else '_'}{text}"
