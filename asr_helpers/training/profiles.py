"""Training recipes: the size of the network, the number of epochs, the regularisers."""

from dataclasses import dataclass

from asr_helpers.sound.augment import Augmenter, SpecAugment


@dataclass(frozen=True)
class Profile:
    """A training recipe: network, optimisation, augmentation, regularisers.

    Example:
        >>> Profile(2, 128, (16, 32), 0.1, epochs=50, batch_seconds=20, learning_rate=2e-3).uses_regularizers
        False
    """

    lstm_layers: int
    lstm_units: int
    filters: tuple[int, int]  # channels of the two convolution blocks
    dropout: float
    epochs: int
    batch_seconds: float  # of audio
    learning_rate: float  # the peak
    augmenter: Augmenter | None = Augmenter()
    spec_augment: SpecAugment | None = SpecAugment()
    averaged_epochs: int = 1  # number of epochs whose weights are averaged into the model that is measured and saved
    # Regularisers for small data, by their weights in the loss (`network.RegularizedCTC`); each needs two LSTMs.
    intermediate_weight: float = 0.0  # a second output, one LSTM below the last
    smoothness_weight: float = 0.0  # posteriors close to their neighbours in time
    consistency_weight: float = 0.0  # equal posteriors for two views of a clip, under different masks
    reduce_on_plateau: bool = False  # ReduceLROnPlateau on the validation loss, instead of a planned decay

    @property
    def uses_regularizers(self) -> bool:
        return max(self.intermediate_weight, self.smoothness_weight, self.consistency_weight) > 0


INTERMEDIATE = "second"  # the intermediate output's layer, by its name in checkpoints
LIGHT_MASKS = SpecAugment(time_masks=1, frequency_masks=1, frequency_width=10)


PROFILES = {
    "ci": Profile(
        lstm_layers=1, lstm_units=32, filters=(8, 16), dropout=0.1, epochs=2, batch_seconds=40, learning_rate=2e-3
    ),
    # Little speech and little time: small batches, many steps, light masks. The regularisers remove a seventh of the
    # errors on a voice that is not in the training speech (`benchmarks/unheard_voice.py`).
    "fast": Profile(
        lstm_layers=2,
        lstm_units=128,
        filters=(16, 32),
        dropout=0.1,
        epochs=50,
        batch_seconds=20,
        learning_rate=2.5e-3,
        spec_augment=LIGHT_MASKS,
        intermediate_weight=0.3,
        smoothness_weight=0.2,
    ),
    # The large network for fifteen epochs, which end long before it overfits: light masks and little dropout.
    "workshop": Profile(
        lstm_layers=3,
        lstm_units=256,
        filters=(32, 64),
        dropout=0.1,
        epochs=15,
        batch_seconds=100,
        learning_rate=1.5e-3,
        spec_augment=LIGHT_MASKS,
        averaged_epochs=2,
    ),
    # Sixty epochs, in which the network could memorise the speech: heavy masks, two views. A batch holds 2 x 160 s.
    # A third of the clips have silence around them, as recordings do whose speaker presses a button.
    # No smoothing: it costs words (the ladder of appendix A2), and leaves fewer alternatives to a language model.
    "full": Profile(
        lstm_layers=3,
        lstm_units=256,
        filters=(32, 64),
        dropout=0.2,
        epochs=60,
        batch_seconds=160,
        learning_rate=1.5e-3,
        augmenter=Augmenter(silence_probability=1 / 3),
        spec_augment=SpecAugment(time_masks=5, time_share=0.25),
        averaged_epochs=5,
        intermediate_weight=0.3,
        consistency_weight=0.2,
    ),
}
