"""The figure that is redrawn while a network trains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asr_helpers.show import plots

if TYPE_CHECKING:
    import keras


def live_curves(folder: Path | str) -> keras.callbacks.Callback:
    """Return a Keras callback that redraws the learning curves of the run in `folder` after each epoch.

    One picture is updated in place, in JupyterLab, in VS Code and in a notebook executed headlessly. The curves of a
    resumed run include the epochs before it was killed.
    """
    import keras
    from IPython.display import HTML, Image, display

    handle = None

    def redraw(epoch, logs):
        nonlocal handle
        figure = plots.learning_curves(Path(folder) / "history.csv")
        picture = Image(plots.png(figure), alt=figure.alt)
        if handle is None:
            handle = display(picture, display_id=True)
            display(HTML(plots.caption(figure.caption, figure.alt)))
        else:
            handle.update(picture)

    return keras.callbacks.LambdaCallback(on_epoch_end=redraw)
