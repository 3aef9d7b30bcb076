"""What is remembered of texts, and that long ones are not."""

from rag.text.short_texts import remember_short


def test_a_short_text_is_computed_once_and_a_long_one_each_time() -> None:
    computed: list[str] = []

    @remember_short(texts=2, characters=4)
    def shout(text: str) -> str:
        """Shout."""
        computed.append(text)
        return text.upper()

    assert [shout(text) for text in ("kite", "kite", "kites", "kites")] == ["KITE", "KITE", "KITES", "KITES"]
    assert computed == ["kite", "kites", "kites"]
    assert (shout.__name__, shout.__doc__) == ("shout", "Shout.")
