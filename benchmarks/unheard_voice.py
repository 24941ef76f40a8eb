"""What do the regularisers of `network.RegularizedCTC` gain for a voice that is not in the training speech?

    python benchmarks/unheard_voice.py --run DIR [--voice 9004] [--epochs 30] [--out FILE]

Trains the profile `fast` twice on the embedded corpus without one of its voices, with plain CTC and with the
regularisers. Both are measured on that voice (every second of its sentences in train-mini) and on the other voices of
dev-mini. Ten minutes on two cores; a killed run resumes. Appendix A2 prints `benchmarks/unheard_voice.json`.
"""

import json
from dataclasses import replace

from common import arguments

from asr_helpers.batches import load_speech
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import Recognizer
from asr_helpers.sound import read_audio
from asr_helpers.system import files
from asr_helpers.training import PROFILES, train
from asr_helpers.words import score

RUNS = {"plain CTC": {"intermediate_weight": 0, "smoothness_weight": 0}, "with helpers": {}}


def wer(recognizer: Recognizer, clips: list) -> float:
    """Return the greedy word error rate on utterances."""
    heard = [recognizer.transcribe(read_audio(clip.path)) for clip in clips]
    return score([clip.text for clip in clips], heard)["wer"]


def main() -> None:
    parser = arguments(__doc__, __file__, "run", "out")
    parser.add_argument("--voice", default="9004", help="the speaker to leave out")
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    mini = data_dir() / "mini"
    valid = load_speech(mini / "dev-mini")
    valid.utterances = [clip for clip in valid.utterances if clip.speaker != options.voice]
    unheard = [clip for clip in load_corpus(mini / "train-mini") if clip.speaker == options.voice][::2]
    result = {"voice": options.voice, "epochs": options.epochs, "runs": []}
    for number, (name, changed) in enumerate(RUNS.items(), 1):
        speech = load_speech(mini / "train-mini")
        speech.utterances = [clip for clip in speech.utterances if clip.speaker != options.voice]
        profile = replace(PROFILES["fast"], epochs=options.epochs, **changed)
        folder = options.run / f"unheard-{number}"
        train(speech, valid, folder, profile, resume=(folder / "state.json").exists(), sentences=0)
        best = Recognizer.load(folder / "best.keras")
        row = {"run": name, "unheard_wer": wer(best, unheard), "heard_wer": wer(best, valid.utterances)}
        print(row, flush=True)
        result["runs"].append(row)
    files.write(options.out, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
