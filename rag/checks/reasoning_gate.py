"""Pass the reasoning of a model on to readers through the same gate as its answer."""

from rag.checks.text_gate import TextGate
from rag.retrieval.evidence import Evidence


class ReasoningGate:
    """A TextGate for reasoning, which a model may interrupt for text and take up again."""

    def __init__(self, evidence: Evidence, *, instructions: str = "") -> None:
        self._evidence = evidence
        self._instructions = instructions
        self._gate: TextGate | None = None
        self._is_interrupted = False

    @property
    def unfinished_characters(self) -> int:
        """How much text the next piece may finish, which is what its work grows with."""
        return self._gate.unfinished_characters if self._gate else 0

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        if self._gate is None:
            self._gate = TextGate(self._evidence, instructions=self._instructions)
        if self._is_interrupted:  # clients join the parts, and so no address may arise from them
            text = f"\n\n{text}"
            self._is_interrupted = False
        return self._gate.feed(text)

    def interrupt(self) -> str:
        """Return what was held back, because text follows, or nothing."""
        if self._gate is None or self._is_interrupted:
            return ""
        self._is_interrupted = True
        return self._gate.finish()
