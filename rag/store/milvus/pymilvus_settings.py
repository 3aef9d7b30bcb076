"""What is set in pymilvus before it is used."""

import logging

from pymilvus.client import entity_helper


def adjust_pymilvus() -> None:
    """Turn off its error log, and a check of texts that takes half of the time to prepare a row."""
    # The log repeats, with tracebacks, what we raise.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)
    # The check is meant for lists of texts. Given a text, it looks whether each character is one.
    entity_helper.CHECK_STR_ARRAY = False
