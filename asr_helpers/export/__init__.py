"""From the trained `.keras` model to TFLite and ONNX files. Notebook 08 builds this in the open."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "folding": ["FusableLSTM", "clip_kernels", "fold_norms", "lstm_layers", "scale_and_shift"],
        "onnx": ["to_onnx"],
        "report": ["OpReport", "format_report", "op_report"],
        "tflite": ["one_grid", "op_names", "to_tflite"],
        "variants": ["ExportError", "REFERENCE", "VARIANTS", "quantize"],
    },
)
