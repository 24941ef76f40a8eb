"""Training: profiles, callbacks, the run folder, several workers. Notebooks 06 and 13 build this in the open."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "callbacks": ["Progress", "TrainingError", "WarmUpAndDecay", "WeightAverage", "WordErrorRate", "trapezoid"],
        "fit": ["digest", "train"],
        "network": ["add_intermediate_output", "gpu_capability", "new_model", "recurrent_layers"],
        "one_machine": ["OneMachine", "WorkersError", "is_loopback"],
        "profiles": ["INTERMEDIATE", "LIGHT_MASKS", "PROFILES", "Profile"],
        "run_folder": ["RunFolder"],
        "workers": ["Workers", "parse_tf_config"],
    },
)
