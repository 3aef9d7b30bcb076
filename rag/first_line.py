"""What a vendor's error says, for use in a message of ours."""


def first_line(error: Exception) -> str:
    """The first line of the error, at most 200 characters; the name of its class if it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
