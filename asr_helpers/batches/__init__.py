"""tf.data: from a corpus to shuffled, augmented, padded batches. Notebooks 04 and 06 build this in the open."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "pipeline": [
            "Speech",
            "batches_per_epoch",
            "buckets",
            "find_alphabet",
            "load_speech",
            "training_batches",
            "validation_batches",
        ],
        "splicing": ["Piece", "Splicer", "cut_speech", "find_cuts", "join", "read_cuts"],
        "tfrecords": ["damage", "missing_shards", "parse_example", "read_index", "write_records"],
    },
)
