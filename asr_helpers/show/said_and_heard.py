"""What was said and what was heard, compared word by word."""

from html import escape
from itertools import zip_longest

from IPython.display import HTML

LOST = "text-decoration:line-through 2px;background:#d55e0038"  # orange and struck through
WRONG = "text-decoration:underline 2px;text-underline-offset:3px;background:#0072b238;font-weight:bold"  # blue
ROW = "display:flex;flex-wrap:wrap;column-gap:1em;margin-bottom:0.3em"  # on a phone, the label is above the text
LABEL, TEXT = "flex:0 1 11em;font-weight:bold", "flex:1 1 18em;word-break:keep-all"


def word_diff(said: str, heard: str | dict[str, str]) -> HTML:
    """Return rows for the notebook: the words `said`, and how each transcript in `heard` differs from them.

    A word that was said and not heard is struck through on orange; a word that was heard in its place, or besides, is
    bold and underlined on blue. The word error rate follows. No word is broken between lines.

    `heard` is a transcript, or {label: transcript} for several rows.

    Raises:
        ValueError: `said` holds no word.

    Example:
        >>> "<del" in word_diff("A STEEP HILL", "A STEP HILL").data
        True
    """
    rows = heard if isinstance(heard, dict) else {"heard": heard}
    lines = [("said", escape(said)), *((label, _marked(said, text)) for label, text in rows.items())]
    shown = "".join(
        f'<div style="{ROW}"><span style="{LABEL}">{escape(label)}</span><span style="{TEXT}">{line}</span></div>'
        for label, line in lines
    )
    return HTML(f'<div style="max-width:60em;margin-bottom:1em">{shown}</div>')


def _marked(said: str, heard: str) -> str:
    """Return the HTML of a transcript with its errors marked, and the word error rate."""
    import jiwer

    from asr_helpers.words.metrics import word_errors

    rate = word_errors([said], [heard]).rate
    ours, theirs, words = said.split(), heard.split(), []
    for chunk in jiwer.process_words(said, heard).alignments[0]:
        there, here = ours[chunk.ref_start_idx : chunk.ref_end_idx], theirs[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type == "equal":
            words += map(escape, here)
        else:
            for lost, wrong in zip_longest(there, here):
                words += [f'<del style="{LOST}">{escape(lost)}</del>'] if lost else []
                words += [f'<ins style="{WRONG}">{escape(wrong)}</ins>'] if wrong else []
    return f'{" ".join(words)} <small style="opacity:0.75;white-space:nowrap">WER {100 * rate:.0f} %</small>'
