"""A text whose doubtful words are underlined."""

from html import escape

from asr_helpers.words.alignment import Word
from asr_helpers.words.confidence import doubtful

DOTTED = "text-decoration:underline dotted 2px;text-underline-offset:3px"


def words_html(words: list[Word]) -> str:
    """Return the HTML of a text; doubtful words have a dotted underline, and say when pointed at how probable they are.

    `words` come from `words.with_probability`. A line explains the underline, if there is one.

    Example:
        >>> words_html([Word("SHIPS", 0.0, 0.4, 0.9)])
        'SHIPS'
    """
    text = " ".join(
        f'<span style="{DOTTED}" title="probably right: {100 * word.probability:.0f} %">{escape(word.text)}</span>'
        if doubtful(word)
        else escape(word.text)
        for word in words
    )
    explained = '<div style="font-size:small">dotted: perhaps misheard; point at the word</div>'
    return text + explained * any(map(doubtful, words))
