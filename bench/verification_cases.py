"""Statements to verify, made from evaluation sets: each with a passage, and whether the passage supports it.

True statements are sentences that a person marked as the evidence for an answer, unchanged or changed as a writer might
change them: a clause dropped, other punctuation, clauses in another order. A question joined with its answer is true
too, and its words are a person's own.

False statements are true ones paired with another passage, or with a number, the answer, or the subject of the page
replaced. Replacements are random, so a few of these statements are true all the same.
"""

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.models.embedders.builtin import BuiltinEmbedder
from rag.store.term_statistics import TermChanges, TermStatistics, sum_statistics
from rag.text.facts import find_quantities
from rag.text.tokens import tokenize

_SEED = 20261125
_CLAUSE_END = re.compile(r"(?<=[，；])")
_OTHER_PUNCTUATION = str.maketrans("，；：（）", ",;:()") | {ord("、"): "和"}
_INTERROGATIVE = re.compile("为什么|什么时候|什么样的?|什么|哪一?[年个本位些里儿种座]|哪|谁|多少|怎么样|怎样|如何|几")


@dataclass(frozen=True, slots=True)
class Case:
    """A statement, the passage that it is checked against, and whether the passage supports it.

    `is_fitted_on` chooses the half that thresholds are fitted on. `similarity` is the cosine of statement and passage;
    it is only known across languages.
    """

    kind: str
    statement: str
    passage: str
    is_true: bool
    is_fitted_on: bool
    similarity: float | None = None


def monolingual_cases(folder: Path) -> tuple[list[Case], TermStatistics]:
    """The cases of a set whose queries have `metadata.evidences`, and the term statistics of its passages."""
    random_choice = random.Random(_SEED)  # noqa: S311  (a repeatable choice, no secret)
    corpus = {row["_id"]: row for row in _rows(folder / "corpus.jsonl")}
    passages = {key: f"{row['title']}\n{row['text']}" for key, row in corpus.items()}
    statistics = _statistics(passages.values())
    nearest = nearest_finder(passages, statistics)
    relevant = _relevant(folder)
    queries = [row for row in _rows(folder / "queries.jsonl") if row["metadata"].get("evidences")]
    answers = [answer for row in queries for answer in row["metadata"]["answers"][:1]]
    titles = [row["title"] for row in corpus.values()]
    cases = []
    for position, query in enumerate(queries):
        key = relevant[query["_id"]]
        sentence, answer = query["metadata"]["evidences"][0], query["metadata"]["answers"][0]
        joined = f"{_INTERROGATIVE.sub(' ', query['text']).rstrip('？? ')}：{answer}"
        changed = {"evidence": sentence, **_paraphrases(sentence, random_choice)}
        other = random_choice.choice([other for other in passages if other != key])
        near = nearest(sentence, key)[0]
        pairs = [(kind, statement, passages[key], True) for kind, statement in changed.items()]
        pairs += [("question and answer", joined, passages[key], True)]
        pairs += [("any other passage", statement, passages[other], False) for statement in (sentence, joined)]
        pairs += [("nearest other passage", statement, passages[near], False) for statement in (sentence, joined)]
        swapped = {
            "number exchanged": _with_other_number(sentence, passages[key], random_choice),
            "answer exchanged": _with_other(sentence, answer, answers, passages[key], random_choice),
            "subject exchanged": _with_other(sentence, corpus[key]["title"], titles, passages[key], random_choice),
        }
        pairs += [(kind, statement, passages[key], False) for kind, statement in swapped.items() if statement]
        cases += [Case(*pair, is_fitted_on=position % 2 == 0) for pair in pairs]
    return cases, statistics


def cross_lingual_cases(questions: Path, documents: Path) -> tuple[list[Case], TermStatistics]:
    """Questions joined with their answers in one language, paired with passages in another.

    The arguments are the folders of the sets of the questions and of the documents. Each statement is paired with its
    own passage, a random other one, and the nearest other one.
    """
    random_choice = random.Random(_SEED)  # noqa: S311
    passages = {row["_id"]: row["text"] for row in _rows(documents / "corpus.jsonl")}
    relevant = _relevant(questions)
    embedder = BuiltinEmbedder()
    keys = list(passages)
    matrix = embedder.embed_documents(list(passages.values()))
    cases = []
    queries = list(_rows(questions / "queries.jsonl"))
    statements = [f"{query['text'].rstrip('？? ')}: {query['metadata']['answers'][0]}" for query in queries]
    embeddings = embedder.embed_documents(statements)
    for position, (query, statement) in enumerate(zip(queries, statements, strict=True)):
        own = keys.index(relevant[query["_id"]])
        similarities = matrix @ embeddings[position]
        others = [number for number in range(len(keys)) if number != own]
        nearest = max(others, key=lambda number: float(similarities[number]))
        other = random_choice.choice(others)
        for kind, number in (("question and answer", own), ("any other passage", other), ("nearest other", nearest)):
            similarity = round(float(similarities[number]), 4)
            cases.append(Case(kind, statement, passages[keys[number]], number == own, position % 2 == 0, similarity))
    return cases, _statistics(passages.values())


def _paraphrases(sentence: str, random_choice: random.Random) -> dict[str, str]:
    """The sentence changed in up to three ways, by the name of the change."""
    changed = {"punctuation changed": sentence.translate(_OTHER_PUNCTUATION)}
    clauses = [clause for clause in _CLAUSE_END.split(sentence) if clause]
    if len(clauses) > 1:
        dropped = random_choice.randrange(len(clauses))
        changed["clause dropped"] = "".join(clauses[:dropped] + clauses[dropped + 1 :])
        changed["clauses reordered"] = "，".join(clause.rstrip("，；。") for clause in reversed(clauses)) + "。"
    return changed


def _with_other_number(sentence: str, passage: str, random_choice: random.Random) -> str:
    """The sentence with one number in digits changed. Empty if it has none, or if the passage has the new one too."""
    found = [quantity.text for quantity in find_quantities(sentence) if re.match(r"\d", quantity.text)]
    if not found:
        return ""
    digits = re.match(r"[\d,.]+", random_choice.choice(found))
    old = digits[0].rstrip(".,") if digits else ""
    new = old[:-1] + random_choice.choice([digit for digit in "123456789" if digit != old[-1]])
    return sentence.replace(old, new, 1) if not _has_number(passage, new) else ""


def _has_number(passage: str, number: str) -> bool:
    return bool(re.search(rf"(?<!\d){re.escape(number)}(?!\d)", passage))


def _with_other(sentence: str, name: str, others: Sequence[str], passage: str, random_choice: random.Random) -> str:
    """The sentence with `name` replaced by a similar one that the passage does not have. Empty if there is none."""
    if name not in sentence or len(name) > 12 or name == sentence:
        return ""
    alike = [
        other
        for other in others
        if other not in passage and abs(len(other) - len(name)) <= 1 and _is_numeric(other) == _is_numeric(name)
    ]
    return sentence.replace(name, random_choice.choice(alike)) if alike else ""


def _is_numeric(text: str) -> bool:
    return bool(re.search(r"\d", text))


def nearest_finder(passages: dict[str, str], statistics: TermStatistics) -> Callable[[str, str], list[str]]:
    """Return a function: statement and key of its own passage → keys of at most ten others, most of its idf first."""
    postings: dict[str, list[str]] = defaultdict(list)
    for key, text in passages.items():
        for token in set(tokenize(text)):
            postings[token].append(key)

    def nearest(statement: str, own: str) -> list[str]:
        mass: Counter[str] = Counter()
        for token in set(tokenize(statement)):
            for key in postings.get(token, ()):
                mass[key] += statistics.idf(token)  # type: ignore[assignment]
        return [key for key, _ in mass.most_common(11) if key != own][:10]

    return nearest


def _statistics(texts: Iterable[str]) -> TermStatistics:
    changes = TermChanges()
    for text in texts:
        changes.add(tokenize(text))
    return sum_statistics(changes.payloads())


def _relevant(folder: Path) -> dict[str, str]:
    """The passage of each query."""
    lines = (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {query: passage for query, passage, _ in (line.split("\t") for line in lines)}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
