"""Errors that are one line for the user: the file's name, what is wrong, and the remedy."""


class OneLineError(ValueError):
    """A fault that the user can correct; the message is always one line, even if it quotes file names or libraries."""

    def __init__(self, message: str):
        super().__init__(printable(message))


def printable(text: str) -> str:
    """Return `text` with unprintable characters escaped: line ends, control codes, bytes that are not UTF-8."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def first_line(error: object) -> str:
    """Return the first line of an exception's message, or its class name if the message is empty."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
