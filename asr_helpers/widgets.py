"""Players and widgets for the notebooks: sound in the page, and controls that redraw in place."""

import base64
import io
from html import escape
from pathlib import Path

import numpy as np

from asr_helpers import augment, plots
from asr_helpers.features import SAMPLE_RATE


def mp3(samples: np.ndarray) -> bytes:
    """Return `samples` as a mono MP3 file, 40 kB for 10 s; what exceeds full scale is turned down first."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(
        file,
        augment.limit(np.asarray(samples, np.float32)),
        SAMPLE_RATE,
        format="MP3",
        bitrate_mode="CONSTANT",
        compression_level=0.85,
    )
    return file.getvalue()


def player_html(samples: np.ndarray, label: str = "recording") -> str:
    """Return an HTML audio player that carries its sound in the page, named `label` for eye and ear."""
    data = base64.b64encode(mp3(samples)).decode()
    return (
        f'<div style="display:flex;align-items:center;gap:1em">'
        f'<audio controls preload="metadata" aria-label="{escape(label)}" '
        f'src="data:audio/mpeg;base64,{data}"></audio><span>{escape(label)}</span></div>'
    )


def player(samples: np.ndarray, label: str = "recording"):
    """Return a player of mono samples at 16 kHz, for a cell to end with."""
    from IPython.display import HTML

    return HTML(player_html(samples, label))


def live_curves(folder: Path | str):
    """Return a Keras callback for `train`: the learning curves of the run in `folder`, redrawn after each epoch.

    The picture stays in one place, in JupyterLab, VS Code and a notebook executed without a screen alike, and
    a resumed run's curves begin with the epochs before the kill.
    """
    import keras
    from IPython.display import Image, display

    handle = None

    def redraw(epoch, logs):
        nonlocal handle
        figure = plots.learning_curves(Path(folder) / "history.csv")
        picture = Image(plots.png(figure), alt=figure.alt)
        if handle is None:
            handle = display(picture, display_id=True)
        else:
            handle.update(picture)

    return keras.callbacks.LambdaCallback(on_epoch_end=redraw)


# What the sliders offer: wider than training ever draws, for an effect is learnt where it is too strong.
# effect: {parameter: (lowest, highest, step, first shown, its name and unit)}
SLIDERS = {
    "noise": {"snr_db": (-10, 40, 1, 10, "SNR (dB)")},
    "reverb": {"rt60": (0.1, 2.0, 0.1, 0.6, "RT60 (s)"), "mix": (0.0, 1.0, 0.05, 0.4, "mix")},
    "speed": {"factor": (0.5, 2.0, 0.05, 1.2, "factor")},
    "time_stretch": {"rate": (0.5, 2.0, 0.05, 0.8, "rate")},
    "frequency_mask": {
        "centre": (600, 6400, 100, 1500, "centre (Hz)"),
        "width": (100, 1100, 100, 1000, "width (Hz)"),
    },
    "segment_shuffle": {
        "segment_seconds": (0.01, 0.4, 0.01, 0.05, "segment (s)"),
        "share": (0.0, 1.0, 0.1, 0.5, "share"),
    },
    "gaps": {"count": (0, 20, 1, 6, "count"), "seconds": (0.02, 0.3, 0.02, 0.08, "each (s)")},
}
DRAWN = "as training draws them"


def listen_and_plot(clips: dict[str, np.ndarray], augmenter: augment.Augmenter | None = None):
    """Return a widget to hear and see each effect on each of `clips` (name to mono samples at 16 kHz).

    Choose a clip and an effect, move its sliders, roll another seed. The last choice draws a whole plan from
    `augmenter`, as training does. The returned box has the attributes `clip`, `effect`, `sliders` (by
    parameter), `seed`, `roll`, and what they lead to: `result` (samples), `sound` and `picture`.
    """
    import ipywidgets

    augmenter = augmenter or augment.Augmenter()
    box = ipywidgets.VBox()
    box.clip = ipywidgets.Dropdown(options=list(clips), description="clip")
    box.effect = ipywidgets.Dropdown(options=[*SLIDERS, DRAWN], description="effect")
    box.seed = ipywidgets.BoundedIntText(0, min=0, max=9999, description="seed")
    box.roll = ipywidgets.Button(description="roll again", tooltip="take the next seed")
    box.sound, box.picture = ipywidgets.HTML(), ipywidgets.Image(format="png")
    box.sliders = {}
    controls = ipywidgets.HBox()

    def choose_effect(_=None):
        box.sliders = {
            parameter: _slider(*settings) for parameter, settings in SLIDERS.get(box.effect.value, {}).items()
        }
        for slider in box.sliders.values():
            slider.observe(update, "value")
        controls.children = tuple(box.sliders.values())
        update()

    def update(_=None):
        samples, rng = clips[box.clip.value], np.random.default_rng(box.seed.value)
        name, seconds = box.effect.value, len(samples) / SAMPLE_RATE
        if name == DRAWN:
            plan = augmenter.draw(rng)
        else:
            plan = [(name, {parameter: slider.value for parameter, slider in box.sliders.items()})]
        box.result = augmenter.apply(samples, plan, rng)
        if any(effect == "time_stretch" for effect, _ in plan):
            seconds /= SLIDERS["time_stretch"]["rate"][0]  # room for the slowest: the axes stand still
        label = describe(plan)
        box.sound.value = player_html(samples, f"before: {box.clip.value}") + player_html(box.result, label)
        box.picture.value = plots.png(plots.compare(samples, box.result, seconds=seconds))

    box.roll.on_click(lambda _: setattr(box.seed, "value", (box.seed.value + 1) % 10000))
    for control in (box.clip, box.seed):
        control.observe(update, "value")
    box.effect.observe(choose_effect, "value")
    choose_effect()
    top = ipywidgets.HBox([box.clip, box.effect, box.seed, box.roll])
    box.children = (top, controls, box.sound, box.picture)
    return box


def describe(plan: list[tuple[str, dict]]) -> str:
    """Return a plan of `Augmenter.draw` as one line, such as "noise (snr_db 12.3), gaps (count 2, …)"."""
    parts = (
        f"{name} ({', '.join(f'{key} {value:.3g}' for key, value in parameters.items())})"
        for name, parameters in plan
    )
    return ", ".join(parts) or "nothing drawn: unchanged"


def _slider(low, high, step, first, name):
    """Return a slider that reports only where it is let go, so that one pull makes one picture."""
    import ipywidgets

    kind = ipywidgets.IntSlider if isinstance(low, int) else ipywidgets.FloatSlider
    return kind(first, min=low, max=high, step=step, description=name, continuous_update=False)
