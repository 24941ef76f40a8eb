"""The figures show the data they were given, on axes that mean what they say."""

import io
import stat
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from asr_helpers.show import plots
from asr_helpers.show.plots import drawing
from asr_helpers.sound import log_mel
from asr_helpers.text import BLANK, NUM_CLASSES, encode

RATE = 16000


@pytest.fixture(autouse=True)
def the_series_own_style():
    plots.style()  # whichever test ran before


@pytest.fixture(scope="module")
def tone():
    """Return one second of 1000 Hz."""
    return (0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)).astype(np.float32)


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def test_names_are_text_and_no_formulas():
    figure, ax = plots.new(size=(4, 3))
    ax.plot([1, 1000], [1, 2], label="$\\bad$")
    ax.set(xscale="log", title="US$5_vs_$6^.wav")
    ax.set_yticks([1, 2], ["$\\frac$", "x"])
    ax.annotate("$_{$", (10, 1))
    ax.legend()
    first = plots.png(figure)  # a formula that does not parse would raise
    assert plots.png(figure) == first
    powers = [label for label in ax.get_xticklabels() if "mathdefault" in label.get_text()]
    assert powers and all(label.get_parse_math() for label in powers)
    assert not ax.title.get_parse_math() or not ax.title.get_text()


def test_waveform_runs_in_seconds(tone):
    (ax,) = plots.waveform(tone, title="a tone").axes
    assert ax.get_xlim() == (0, 1) and ax.get_title(loc="left") == "a tone"
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), tone)


def test_spectrogram_puts_a_tone_at_its_frequency(tone):
    ax, bar = plots.spectrogram(log_mel(tone)).axes
    loudest = ax.images[0].get_array().mean(axis=1).argmax()
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert abs(ax.get_yticks()[names.index("1000")] - loudest) < 1
    assert bar.get_ylabel() == "log power" and "Hz" in ax.get_ylabel()
    assert ax.get_xlim() == pytest.approx((-0.005, 1.005))


def test_compare_has_one_range_of_colours_and_of_time(tone):
    figure = plots.compare_spectrograms(tone, 0.5 * tone, "quieter")
    images = [ax.images[0] for ax in figure.axes if ax.images]
    assert len(images) == 3 and images[0].get_clim() == images[1].get_clim()
    assert images[2].get_array().min() == pytest.approx(-6.02, abs=0.05)  # dB: half the amplitude
    assert len({ax.get_xlim() for ax in figure.axes if ax.get_xlabel() == "time (s)"}) == 1


def test_compare_draws_no_difference_of_different_lengths(tone):
    figure = plots.compare_spectrograms(tone, tone[:8000])
    assert len([ax for ax in figure.axes if ax.images]) == 2
    assert figure.axes[0].get_xlim() == (0, len(tone) / 16000)


def test_mel_filters_peak_where_they_should():
    (ax,) = plots.mel_filters(every=8).axes
    peaks = [line.get_xdata()[line.get_ydata().argmax()] for line in ax.lines]
    assert len(peaks) == 10 and peaks == sorted(peaks) and 0 < peaks[0] < peaks[-1] < 8000


def peaked(text, spacing=5):
    """Return log-probabilities that spell `text`, one sure character every `spacing` frames."""
    best = np.full(spacing * len(text), BLANK)
    best[spacing // 2 :: spacing] = encode(text)
    probs = np.full((len(best), NUM_CLASSES), 0.001)
    probs[np.arange(len(best)), best] = 1 - 0.001 * (NUM_CLASSES - 1)
    return np.log(probs)


def test_posteriors_name_each_spike_in_order_and_time():
    figure = plots.posteriors(peaked("A CAB"), np.zeros((103, 80), np.float32))
    names = [text for text in figure.axes[1].texts if text.get_text() != "blank"]
    names.sort(key=lambda text: text.get_position()[0])
    assert "".join(text.get_text() for text in names) == "A␣CAB"
    assert [text.get_position()[0] for text in names] == pytest.approx([0.08, 0.28, 0.48, 0.68, 0.88])


def test_collapse_shows_a_path_its_merged_symbols_and_the_text():
    (ax,) = plots.collapse(["AA–B"]).axes
    rows = {row: "".join(t.get_text() for t in ax.texts if t.get_position()[1] == row and t.get_position()[0] >= 0)
            for row in (2, 1, 0)}  # fmt: skip
    assert rows == {2: "AA–B", 1: "A–B", 0: "AB"}
    assert [t.get_text() for t in ax.texts if t.get_position()[0] < 0] == ["path", "merged", "AB"]


def test_a_trellis_holds_the_forward_sums_and_their_total():
    table = np.array([[0.5, 0.2, 0.3], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]])
    (ax,) = plots.trellis(table, "AB–", "AB").axes
    sums = {tuple(t.get_position()): t.get_text() for t in ax.texts if t.get_text()}
    assert sums[0, 0] == ".3" and sums[0, 1] == ".5" and sums[1, 3] == ".3"  # A, then B, straight on
    assert sums[1, 1] == ".08" and (2, 0) not in sums  # (0.3 + 0.5) × 0.1; no path is still in the first blank
    ways = [(0, 0, 1), (0, 1, 1), (0, 1, 2), (0, 2, 1), (2, 0, 1)]  # all that spell AB
    total = sum(np.prod(table[range(3), way]) for way in ways)
    assert f"{total:.4f}" in ax.get_title(loc="left")


def test_a_spelling_puts_each_letter_at_its_time():
    figure = plots.spelling(peaked("A CAB"), np.zeros((103, 80), np.float32), seconds=1)
    below = figure.axes[1]
    assert [text.get_text() for text in below.texts] == list("A␣CAB")
    assert [text.get_position()[0] for text in below.texts] == pytest.approx([0.08, 0.28, 0.48, 0.68, 0.88])


def test_reach_counts_the_outputs_that_change():
    near, far = np.zeros(41), np.full(41, 0.5)
    near[20] = far[20] = 1
    figure = plots.reach({"near": near, "far": far}, at=20)
    assert figure.alt.endswith("near: 1 of 25; far: 25 of 25")


def test_lattice_names_every_state():
    (ax, _) = plots.ctc_lattice(np.eye(5), "A ").axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["–", "A", "–", "␣", "–"]


def test_a_prefix_tree_has_a_straight_trunk_and_the_latest_branch_nearest():
    beams = [{"": 1.0}, {"": 0.4, "A": 0.6}, {"A": 0.5, "AB": 0.3, "C": 0.2}, {"AB": 0.6, "AD": 0.3, "X": 0.01}]
    (ax,) = plots.prefix_tree(beams, [0.0, 0.04, 0.08, 0.12], "AB").axes
    rows = {text.get_text(): text.xy[1] for text in ax.texts}
    assert rows == {"": 0, "A": 0, "B": 0, "AB": 0, "D": 1, "AD": 1, "C": 2}
    assert len(ax.lines) == sum(map(len, beams)) - 1  # X is too improbable to be drawn
    (branch,) = [line for line in ax.lines if list(line.get_ydata()) == [0, 1]]
    assert list(branch.get_xdata()) == [0.08, 0.12] and branch.get_linewidth() == pytest.approx(0.8 + 6 * 0.3)


def test_a_heat_map_names_its_settings_and_frames_the_smallest():
    ax = plots.heat_map([[3.0, 2.0], [1.5, 4.0], [5.0, 6.0]], [0.1, 0.2, 0.3], ["x", "y"]).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.1", "0.2", "0.3"]
    assert ax.patches[0].get_xy() == (-0.5, 0.5)
    assert "1.5" in [text.get_text() for text in ax.texts]


def test_words_stand_at_their_times(tone):
    from asr_helpers.words import Word

    above, below = plots.words_in_time([Word("ONE", 0.2, 0.5, 0.9)], log_mel(tone)).axes
    assert above.texts[0].get_text() == "ONE" and above.texts[0].get_position()[0] == pytest.approx(0.35)
    assert [line.get_xdata()[0] for line in below.lines] == [0.2, 0.5]


def test_learning_curves_of_a_file_are_those_of_its_rows(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,val_loss,val_wer\n1,3.0,2.5,1.0\n2,1.0,1.5,0.5\n")
    left, right = plots.learning_curves(path).axes
    assert [list(line.get_ydata()) for line in left.lines] == [[3, 1], [2.5, 1.5]]
    assert [list(line.get_ydata()) for line in right.lines] == [[100, 50]]
    rows = [{"loss": 3.0, "val_loss": 2.5, "val_wer": 1.0}, {"loss": 1.0, "val_loss": 1.5, "val_wer": 0.5}]
    assert plots.png(plots.learning_curves(rows)) == plots.png(plots.learning_curves(path))


def test_error_against_speed_has_the_fastest_on_top():
    variants = [
        {"name": name, "bytes": size, "wer": wer, "wer_ci95": [wer - 0.02, wer + 0.03], "ms_per_audio_second": ms}
        for name, size, wer, ms in (
            ("float32", 20_000_000, 0.10, {"1": 40, "2": 25}),
            ("int8", 5_000_000, 0.11, {"1": 10, "2": 8}),
        )
    ]
    speed, errors = plots.error_against_speed(variants, threads=2).axes
    assert [label.get_text() for label in speed.get_yticklabels()] == ["int8, 5 MB", "float32, 20 MB"]
    assert speed.yaxis_inverted()
    assert [bar.get_width() for bar in speed.patches] == [8, 25]
    assert [line.get_xdata()[0] for line in errors.lines] == pytest.approx([11, 10])
    ends = [lines.get_segments()[0][:, 0].tolist() for lines in errors.collections]
    assert ends == [pytest.approx([9, 14]), pytest.approx([8, 13])]


def test_a_given_ax_is_drawn_on(tone):
    figure, (above, below) = plots.new(2, 1)
    assert plots.waveform(tone, above) is figure and plots.spectrogram(log_mel(tone), below) is figure
    assert above.lines and below.images


def test_png_is_the_same_every_time_and_close_to_the_true_colours(tone):
    figure = plots.spectrogram(log_mel(tone))
    content = plots.png(figure)
    assert content == plots.png(plots.spectrogram(log_mel(tone))) and b"Software" not in content
    true = io.BytesIO()
    figure.savefig(true, format="png", dpi=drawing.PIXELS * figure.dpi)
    shown = pixels(content)
    inside = np.s_[50:-50, 50:-50]
    assert np.abs(shown - pixels(true.getvalue()))[inside].max() <= 16


def test_png_is_a_card_with_round_corners(tone):
    picture = Image.open(io.BytesIO(plots.png(plots.waveform(tone)))).convert("RGBA")
    assert picture.size == (drawing.PIXELS * 100 * drawing.SIZE[0], drawing.PIXELS * 100 * drawing.SIZE[1])
    alpha = np.asarray(picture)[..., 3]
    assert [alpha[0, 0], alpha[0, -1], alpha[-1, 0], alpha[-1, -1]] == [0] * 4
    assert alpha[0, 100] == alpha[100, 0] == 255 and 0 < (alpha == 0).mean() < 0.001


def test_save_writes_whole_files_but_not_from_a_shrunken_run(tone, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "FIGURES", tmp_path / "figures")
    monkeypatch.setenv("ASR_PROFILE", "ci")
    figure = plots.save(plots.waveform(tone), "tone", "one second of 1000 Hz")
    assert figure.alt == "one second of 1000 Hz" and not (tmp_path / "figures").exists()
    monkeypatch.setenv("ASR_PROFILE", "fast")
    plots.save(figure, "tone")
    (file,) = (tmp_path / "figures").iterdir()
    assert file.name == "tone.png" and file.read_bytes() == plots.png(figure)
    assert stat.S_IMODE(file.stat().st_mode) & 0o044 == 0o044


def test_a_notebook_shows_a_figure_once_with_its_text_below(tone, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    plots.waveform(tone, title="a <tone>")._ipython_display_()
    image, words = shown
    assert "waveform: a &lt;tone&gt;</p>" in words.data
    assert image.alt == "waveform: a <tone>" and image.data.startswith(b"\x89PNG")
    assert image.width == 100 * drawing.SIZE[0]


def test_a_caption_is_the_take_away_and_the_alt_text_is_read_aloud():
    assert drawing.caption("it grows", "a <line>").endswith('nowrap"> a &lt;line&gt;</span></p>')
    assert drawing.caption("", "a line").endswith(">a line</p>") and drawing.caption("it grows").endswith(
        ">it grows</p>"
    )


def test_style_sets_the_series_look():
    import matplotlib as mpl

    with mpl.rc_context():
        plots.style()
        assert mpl.rcParams["image.cmap"] == "magma" and not mpl.rcParams["axes.spines.top"]


def test_the_style_is_a_function_whatever_was_imported_before():
    code = "from asr_helpers.show import plots, widgets; plots.waveform; import asr_helpers.show.widgets.players"
    code += "; print(callable(plots.style), callable(widgets.player))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_network_is_drawn_from_the_models_own_layers():
    from asr_helpers.network import build_model

    model = build_model(lstm_layers=1, lstm_units=16, filters=(4, 8))
    texts = " ".join(text.get_text() for text in plots.network(model, seconds=2).axes[0].texts)
    assert "200 × 80" in texts and "50 × 20 × 8" in texts and "50 × 29" in texts
    # 3 frames; 4 with the pooling; 4 more (two of the second kernel, twice as far); 2 more: 10 frames of 25 ms
    assert "sees 55 ms" in texts and "sees 115 ms" in texts and "sees everything" in texts
    assert f"{model.get_layer('lstm1').count_params():,} weights" in texts


def test_by_epoch_has_a_row_an_epoch_and_a_column_a_letter():
    ax, _ = plots.by_epoch(np.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]]), [1, 7], "A B").axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["epoch 1", "epoch 7"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["A", "␣", "B"]
    np.testing.assert_array_equal(ax.images[0].get_array()[1], [0.9, 0.8, 0.7])


def test_the_lstm_is_drawn_with_its_gates():
    figure = plots.lstm_cell()
    texts = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert all(word in texts for word in ("forget", "input", "candidate", "output", "memory before", "shown"))
    assert "forget gate" in figure.alt
