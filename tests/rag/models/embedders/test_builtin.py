"""The built-in embedder survives hostile text."""

from tests.kit.python_process import run_python


def test_the_character_that_overruns_the_engine_does_not_end_the_process() -> None:
    program = (
        "from rag.models.embedders.builtin import BuiltinEmbedder; "
        "print(BuiltinEmbedder().count_tokens('\\ufdfa' * 4000))"
    )
    assert int(run_python(program)) > 4000
