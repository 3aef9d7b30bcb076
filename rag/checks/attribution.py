"""Give statements of an answer the numbers of the passages that support them, where a model gave none or wrong ones."""

import re
from collections.abc import Mapping, Sequence

from rag.checks.comparable_text import Passages, StatementFacts
from rag.checks.verification import InverseFrequency, Verdict, compare, weighted_share, weights_of
from rag.text.markers import strip_markers

ATTRIBUTED_WORDING = 0.5
"""The least share of a statement's weighted terms in a passage that it is attributed to: a number of ours must be right
more surely than one that the model chose."""
BETTER_BY = 0.25
"""A statement that its passage supports moves to another only if that has so much more of its terms."""
_NEARLY_ALL = 0.9
_CROSS_LINGUAL = 0.8
_CROSS_LINGUAL_BETTER_BY = 0.03
_COMPARED = 2
"""Only the passages that share most with a statement are compared with it in detail."""
_TRAILING_MARKERS = re.compile(r"(?:[ \t]*\[\d{1,4}\])+")
_SENTENCE_END = re.compile(r"(?P<end>[。！？.!?…]+[”’」』）)\"*_]*)\Z")
_ROW_END = re.compile(r"\s*\|\s*\Z")
_FENCE = re.compile(r"\s*(?:`{3}|~{3})")


def best_passage(
    said: StatementFacts,
    passages: Passages,
    idf: InverseFrequency,
    *,
    cited: Sequence[int],
    verdict: Verdict,
    similarities: Mapping[int, float],
) -> int | None:
    """Return the number of the passage that supports a statement better than those that it cites; None to leave it.

    `verdict` is the one for the `cited` passages. `similarities` (-1..1) are those of the passages to the statement, if
    they are in different languages.
    """
    scores = _scores(said, passages, idf, similarities)
    bar = 0.0
    if verdict.supported and cited:
        # A share of words cannot be compared with a similarity, only with another share.
        shares = [scores.get(number, 0.0) for number in cited if number not in similarities]
        bar = max(shares) + BETTER_BY if shares else _NEARLY_ALL
    ranked = sorted((number for number in scores if number not in cited), key=lambda number: -scores[number])
    for number in ranked[:_COMPARED]:
        facts = passages.facts([number])
        least = _CROSS_LINGUAL if number in similarities else ATTRIBUTED_WORDING
        if facts is None or scores[number] < max(least, bar):
            continue
        found = compare(said, facts, idf, similarities.get(number), min_similarity=_CROSS_LINGUAL)
        if found.supported and _is_clear(number, ranked, similarities):
            return number
    return None


def _scores(
    said: StatementFacts, passages: Passages, idf: InverseFrequency, similarities: Mapping[int, float]
) -> dict[int, float]:
    weights = weights_of(said.words, idf)
    has_weight = any(weights.values())
    scores: dict[int, float] = {}
    for number in passages.numbers:
        facts = passages.facts([number])
        if facts is None or (not has_weight and not said.quantities):
            continue
        if said.is_cross_lingual(facts):
            if number in similarities:
                scores[number] = similarities[number]
        else:
            scores[number] = weighted_share(weights, facts)
    return scores


def _is_clear(number: int, ranked: Sequence[int], similarities: Mapping[int, float]) -> bool:
    """Return whether no other passage is nearly as similar; where words can be compared, they decide."""
    if number not in similarities:
        return True
    others = [similarities[other] for other in ranked if other != number and other in similarities]
    return similarities[number] - max(others, default=0.0) >= _CROSS_LINGUAL_BETTER_BY


def set_markers(text: str, start: int, statement: str, numbers: Sequence[int]) -> tuple[str, str, int]:
    """Give the statement at `start` of a text these markers in place of its own.

    Return the text, the statement as it stands there now, and where the text goes on behind it.
    """
    end = start + len(statement)
    trailing = _TRAILING_MARKERS.match(text, end)
    bare = strip_markers(statement)
    marker = "".join(f"[{number}]" for number in numbers)
    if _FENCE.match(bare):
        written = f"{bare}\n{marker}"
    elif bare.startswith("|"):
        written = f"{_ROW_END.sub('', bare)} {marker}{' |' if _ROW_END.search(bare) else ''}"
    else:
        close = _SENTENCE_END.search(bare)
        cut = close.start() if close else len(bare)
        written = f"{bare[:cut].rstrip()} {marker}{bare[cut:]}"
    rest = text[trailing.end() if trailing else end :]
    if rest[:1] not in ("", "\n", " ") and written.endswith("]"):
        rest = f" {rest}"
    return text[:start] + written + rest, written, start + len(written)
