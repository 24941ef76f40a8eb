"""The CRNN and its CTC loss, in Keras. Notebook 05 builds this in the open."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "fast_lstm": ["FastBidirectional", "has_bfloat16"],
        "loss": ["RegularizedCTC", "ctc_loss", "disagreement", "main_ctc_loss", "pack_targets", "peakiness"],
        "model": ["alphabet_of", "build_model", "rebuild"],
    },
)
