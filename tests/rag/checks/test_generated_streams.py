"""Generated answers, split everywhere: no marker that was not offered, no reasoning, and code word for word.

By default a few hundred; ZHIWEN_STREAMS=10000 (`make streams`) runs as many as that.
"""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.chat.prompt import build_prompt
from rag.chat.protocol import TextDelta
from rag.chat.reasoning_filter import ReasoningFilter
from rag.checks.citation_markers import cited_numbers
from rag.checks.output_filter import OutputFilter
from rag.retrieval.evidence import Evidence
from rag.types import Chunk, Hit, Passage

STREAMS = int(os.environ.get("ZHIWEN_STREAMS", "300"))
OFFERED = (1, 2)
THOUGHT = "thoughts that nobody reads"


def _passage(number: int) -> Passage:
    chunk = Chunk(
        id=str(number),
        source="a.md",
        title="手册",
        heading_path=("手册",),
        anchor="手册",
        kind="text",
        position=number,
        group=str(number),
        start_line=1,
        end_line=2,
        content="官网是 milvus，有三种索引。",
    )
    return Passage(number, Hit(chunk, 1.0, 0.9, 0.5))


EVIDENCE = build_prompt(Evidence("官网？", "zh", tuple(map(_passage, OFFERED)), {}, 0.9)).evidence

MARKERS = [
    "[{}]",
    " [{}]",
    "【{}】",
    "［{}］",
    "[[{}]]",
    "\\[{}\\]",
    "[^{}]",
    "[^{}^]",
    "[编号{}]",
    "[编号: {}]",
    "[来源：{}]",
    "[passage {}]",
    "[citation:{}]",
    "[cite: {}]",
    "[ID:{}]",
    "[Doc {}]",
    "【{}†L1-L5】",
    "【{}†source】",
    "([{}])",
    "（来源：{}）",
    "(passage {})",
    "<sup>[{}]</sup>",
    "<cite>{}</cite>",
]
NUMBERS = ["1", "2", "１", "1, 2", "1-2", "1–2", "1 and 2", "1、2", "1，2", "99", "1, 99", "98, 99", "0", "7-9"]
CODE = [
    "`sys.argv[1]`",
    "``a[9] ` [8]``",
    "```python\nrows = [1, 2, 3]\nx = argv[9]\nprint([7])\n```",
    "```mermaid\ngraph TD\n A[1] --> B[9]\n```",
    "~~~\nls [9]\n~~~",
    "- ```\n  a [9]\n  ```",
    "$x_{[9]} + [8]$",
    "$$\na [9]\n$$",
    "\\(a [9]\\)",
    "\\[ x [9] \\]",
]
DATA = ["sys.argv[9]", "rows[0]", "x[9]", "区间 [0, 1]", "形状 [1, 3, 224, 224]", "f(x)[9]", "m<sup>2</sup>", "[9, 0]"]
THOUGHTS = ["<think>{}</think>", "<thinking>{}</thinking>", "<thought>{}</thought>", "◁think▷{}◁/think▷"]

marker = st.builds(str.format, st.sampled_from(MARKERS), st.sampled_from(NUMBERS))
sentence = st.builds("年假有十天{}。".format, marker) | st.builds("It lasts a year{}. ".format, marker)
block = st.sampled_from(CODE).map("\n\n{}\n\n".format)
inline = st.sampled_from(CODE[:2]).map(" {} ".format)
part = (
    sentence | marker | block | inline | st.sampled_from(DATA).map("，{} ".format) | st.sampled_from(["\n- ", "\n\n"])
)
answer = st.builds(
    lambda thought, parts: thought + "答：" + "".join(parts),
    st.sampled_from(["", *(form.format(THOUGHT + " [9]\n") + "\n" for form in THOUGHTS)]),
    st.lists(part, max_size=6),
)


def shown(pieces: list[str]) -> str:
    """What a reader sees of an answer that comes in these pieces."""
    reasoning, output = ReasoningFilter(), OutputFilter(EVIDENCE)
    told = []
    for piece in [*pieces, None]:
        for passed in reasoning.feed(piece) if piece is not None else reasoning.finish():
            if isinstance(passed, TextDelta):
                told.append(output.feed(passed.text))
    return "".join([*told, output.finish()])


@settings(max_examples=STREAMS, deadline=None, suppress_health_check=list(HealthCheck))
@given(answer, st.integers(1, 9), st.integers(0, 400))
def test_generated_streams_are_clean_however_they_are_split(text: str, size: int, cut: int) -> None:
    told = shown([text])
    assert set(cited_numbers(told)) <= set(OFFERED)
    assert THOUGHT not in told
    for code in CODE:
        assert told.count(code) == text.count(code), code
    for data in DATA[:-2]:
        assert told.count(data) == text.count(data), data
    assert shown([text[at : at + size] for at in range(0, len(text), size)]) == told
    assert shown([text[:cut], text[cut:]]) == told


def test_each_form_of_marker_is_recognised_at_each_split() -> None:
    for form in MARKERS:
        text = f"年假有十天{form.format(1)}。`a[1]`"
        for cut in range(len(text) + 1):
            assert shown([text[:cut], text[cut:]]) == "年假有十天 [1]。`a[1]`", (form, cut)
