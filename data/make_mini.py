"""Harbour Radio: write, speak and file the small embedded corpus in ``data/mini``.

    python data/make_mini.py [--out data/mini]

Sentences come from the grammar below and are spoken by three free speech synthesisers; the folders and files
are laid out as LibriSpeech's are. Recordings that exist already are kept: an interrupted run goes on where it
stopped.
"""

import argparse
import math
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile as sf
from scipy.signal import resample_poly
from tqdm import tqdm

SEED = 1901  # the year a wireless signal first crossed the Atlantic
SAMPLE_RATE = 16_000

# ---------------------------------------------------------------------------------------------- the grammar
# Alternatives stand on lines of their own or between bars; {slots} are filled at random. Commas are for the
# voices' breath and do not reach the transcripts. No word sounds like another (FOR, so no FOUR),
# and the spelling is British.

RULES = """
bulletin: {tide} | {weather} | {boat} | {cargo} | {galley} | {creature} | {light} | {call}
tide:
    high tide is at half past {number} {day}
    low tide is at a quarter past {number}, so {advice}
    the tide turns at {number}, and we're stuck at the {place}
    the tide won't wait for the {person}, so be quick
    it's {number} feet deep under the {span} {day}
    the {animal} can't swim, and it's {number} feet deep
weather:
    expect {sky} over the {place} {day}
    there's {sky} in the {compass}, so {advice}
    a {breeze} breeze is blowing from the {compass} {day}
    the fog won't lift before {number}, says the {person}
    it's {mood} and {mood} at the {place} {day}
    it's {number} below zero, with {sky} from the {compass}
    {name} doesn't like {sky} at the {place}
boat:
    the {ship} leaves for the {place} at half past {number}
    the {ship} isn't here, it's stuck under the {span}
    the {ship} is waiting for the {person} at the {place}
    {name}, bring the {ship} to the {place} {day}
    the next {vessel} to the {place} leaves at {number}
    a {colour} {vessel} is coming in with the {person}
    we're painting the {vessel} {colour} and {colour}
    {name} can't fix the {vessel} before {number}
cargo:
    {number} {boxes} of {goods} for the {person}
    the {ship} carries {goods}, {goods} and {number} {boxes} of {goods}
    who left {number} {boxes} of {goods} at the {place}
    I'll swap my {goods} for {number} {boxes} of {goods}
    don't drop the {goods}, {name}, that's for the {person}
    a dozen {boxes} of {goods} came in from the {compass}
galley:
    the cook says the {dish} is {taste}
    the cook is mixing {extra} into the captain's {meal}
    {meal} and {meal} for {number} hungry {crowd}
    the cook has no {extra} left in the galley, {name}
    don't tell the cook, but the {dish} is {taste}
    let's have {meal} at {number}, with {extra}
    I'll have the {dish}, please, it's {taste}
creature:
    {number} {crowd} are sleeping on the {shore}
    the harbour's {animal} is watching the {vessel}
    a {colour} {animal} stole the cook's {meal}
    the {crowd} don't like {sky}, but we like it
    {name}, there's a {mood} {animal} in the {boxes}
    let's give the {animal} {number} {snack}
    the {animal} won't wait, it's very {mood} on the {shore}
light:
    the lamp in the lighthouse turns every {number} seconds, says the keeper
    the keeper sings to {number} {crowd} every evening
    {name} is coming up with {meal} for the keeper
    the {person} can't sleep, it's very {mood} up here
    follow the {colour} lamp to the {place}, {advice}
call:
    harbour radio calling the {ship}, {advice}
    good morning, {ship}, we have {sky} {day}
    good evening, {name}, it's {mood} here, {advice}
    this is harbour radio, the {goods} came in on the {ship}
    this is the {person} on the {ship}, I'll be late
    that's all from harbour radio, {day} we sleep
    jump in, {name}, the {ship} won't wait
    listen, {name}, all the {crowd} are asleep

ship: {first} {second}
first: Jolly | Quiet | Lazy | Lucky | Golden
second: Fox | Queen | Zebra | Star | Dolphin
vessel: ferry | tug | yacht | lifeboat | trawler
name: Jack | Zoe | Max | Quinn | Hazel
person: captain | pilot | harbour master | skipper | judge
crowd: sailors | gulls | seals | jugglers
animal: cat | ox | seagull | walrus | squid
place: jetty | pier | bridge | market | island | beach | lighthouse
shore: beach | island | jetty | pier
span: bridge | jetty | pier
compass: north | south | east | west
number: three | five | six | seven | nine | ten | eleven | twelve
day: tonight | tomorrow | this morning | this evening | on Tuesday | on Friday | in June
sky: {thick} {fog}
thick: thick | heavy | light | freezing
fog: fog | rain | snow | haze
breeze: fresh | lazy | warm | light
mood: cold | calm | quiet | warm | dark | windy
colour: grey | yellow | black | white | velvet | golden
boxes: boxes | barrels | jars | baskets
goods: oranges | coffee | wax | salt | zinc | rope | honey | quilts | velvet | bricks
meal: soup | pizza | bread | fish | pancakes | crab | toast | porridge
dish: soup | pizza | bread | fish | crab | toast | porridge
extra: jam | pepper | cheese | {snack}
snack: onions | lemons | biscuits | eggs
taste: excellent | frozen | very salty | very hot
advice: keep to the {compass} | don't be late | follow the {vessel} | mind the {vessel}
    stay at the {place} | bring the {extra} | quick, get the {extra} | listen to the {person} | stay calm
"""

GRAMMAR = {
    name: [words.strip() for words in re.split(r"[|\n]", body) if words.strip()]
    for name, body in re.findall(r"^(\w+):(.*?)(?=^\w+:|\Z)", RULES, re.MULTILINE | re.DOTALL)
}
MAY_REPEAT = {"the", "a", "and", "of", "is", "it's", "at", "to", "for", "from", "in", "harbour"}
CHARACTERS = range(24, 63)  # about two to five and a half seconds


def expand(symbol: str, rng: random.Random) -> str:
    """One random phrase for `symbol`, its slots filled."""
    return re.sub(r"{(\w+)}", lambda slot: expand(slot[1], rng), rng.choice(GRAMMAR[symbol]))


def transcript(sentence: str) -> str:
    """The sentence as it is written in a LibriSpeech transcript: A-Z, apostrophes and single spaces."""
    return re.sub(r"[^A-Z' ]", "", sentence.upper())


def is_good(sentence: str) -> bool:
    """Neither too short nor too long, and no word said twice ("lazy ... lazy")."""
    counts = Counter(re.findall(r"[\w']+", sentence.lower()))
    return len(sentence) in CHARACTERS and all(n == 1 or word in MAY_REPEAT for word, n in counts.items())


def write_sentences(count: int, taken: set[str], rng: random.Random) -> list[str]:
    """`count` new sentences, none in `taken`, which they join.

    Each is the one of 60 candidates that helps the rarest words most: every word shall be heard often.
    """
    heard, sentences = Counter(), []

    def rarity(sentence: str) -> float:
        need = [1 / (1 + heard[word]) for word in transcript(sentence).split()]
        return 3 * max(need) + math.fsum(need) / len(need)

    while len(sentences) < count:
        candidates = (expand("bulletin", rng) for _ in range(60))
        candidates = [c for c in candidates if is_good(c) and transcript(c) not in taken]
        best = max(candidates, key=rarity)
        heard.update(transcript(best).split())
        taken.add(transcript(best))
        sentences.append(best[0].upper() + best[1:] + ".")
    return sentences


# ----------------------------------------------------------------------------------------------- the voices


class Voice(NamedTuple):
    speaker: int
    sex: str
    engine: str
    name: str
    share: int  # how often the voice is drawn for train-mini; 0 keeps it for test-mini alone


VOICES = [
    Voice(9001, "M", "flite", "rms", 11),
    Voice(9002, "F", "flite", "slt", 11),
    Voice(9003, "M", "flite", "awb", 11),
    Voice(9004, "M", "flite", "kal16", 8),
    Voice(9005, "M", "festival", "kal_diphone", 9),
    Voice(9006, "F", "festival", "cmu_us_slt_arctic_hts", 11),
    Voice(9007, "M", "festival", "ked_diphone", 0),
    Voice(9011, "M", "espeak-ng", "en-gb+m3", 6),
    Voice(9012, "F", "espeak-ng", "en-us+f2", 6),
    Voice(9013, "M", "espeak-ng", "en-gb-scotland+m1", 6),
    Voice(9014, "F", "espeak-ng", "en-gb-x-rp+f4", 6),
    Voice(9015, "M", "espeak-ng", "en-us+m7", 6),
]
SEEN = [voice for voice in VOICES if voice.share]
UNSEEN = [voice for voice in VOICES if not voice.share]

PACKAGES = {  # Debian package: the program, or the folder of the voice, that it brings
    "flite": "flite", "espeak-ng": "espeak-ng", "festival": "text2wave",
    "festvox-kallpc16k": "/usr/share/festival/voices/english/kal_diphone",
    "festvox-kdlpc16k": "/usr/share/festival/voices/english/ked_diphone",
    "festvox-us-slt-hts": "/usr/share/festival/voices/us/cmu_us_slt_arctic_hts",
}  # fmt: skip


def check_engines() -> None:
    """Stop with one line if a program or voice is not installed."""
    missing = [apt for apt, what in PACKAGES.items() if not (shutil.which(what) or Path(what).exists())]
    if missing:
        sys.exit(f"make_mini: speech engines are missing; install them: apt install {' '.join(missing)}")


def speak(voice: Voice, sentence: str, slowness: float, wav: Path) -> None:
    """Have `voice` say `sentence` into the file `wav`, `slowness` times as long as it normally takes."""
    if voice.engine == "flite":
        stretch = f"duration_stretch={slowness:.3f}"
        command = ["flite", "-voice", voice.name, "--setf", stretch, "-t", sentence, "-o", str(wav)]
    elif voice.engine == "espeak-ng":
        command = ["espeak-ng", "-v", voice.name, "-s", f"{165 / slowness:.0f}", "-w", str(wav), sentence]
    else:
        stretch = f"(Parameter.set 'Duration_Stretch {slowness:.3f})"
        if voice.name.endswith("hts"):  # the HTS engine has a speed of its own
            stretch = f"""(set! hts_engine_params (append hts_engine_params '(("-r" {1 / slowness:.3f}))))"""
        command = ["text2wave", "-eval", f"(begin (voice_{voice.name}) {stretch})", "-o", str(wav)]
    done = subprocess.run(command, input=sentence, capture_output=True, text=True, timeout=60)
    if done.returncode or not wav.exists():
        raise RuntimeError(f"{voice.engine} {voice.name} failed on {sentence!r}: {done.stderr[-200:]}")


# ------------------------------------------------------------------------------------------------ the sound


def trim(samples: np.ndarray, margin: float = 0.03) -> np.ndarray:
    """Cut the silence at both ends, keeping `margin` seconds before the first and after the last sound."""
    hop = SAMPLE_RATE // 100
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    loud = np.flatnonzero(np.abs(frames).max(axis=1) > 0.01 * np.abs(samples).max())
    keep = int(margin * SAMPLE_RATE)
    return samples[max(0, loud[0] * hop - keep) : (loud[-1] + 1) * hop + keep]


def finish(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """From an engine's output to int16 at 16 kHz: voice shifted, trimmed, levelled, dithered.

    Playing up to 5 % faster or slower shifts pitch and formants together, as a smaller or larger speaker
    would. Only 10 bits of amplitude are used: FLAC leaves unused low bits out, which more than halves the
    files. Noise added before rounding leaves a faint hiss, near -67 dBFS, instead of digital silence.
    """
    percent = int(rng.integers(95, 106))
    samples = trim(resample_poly(samples, 100 * SAMPLE_RATE // 50, percent * rate // 50))
    fade = np.linspace(0, 1, SAMPLE_RATE // 200)
    samples[: len(fade)] *= fade
    samples[-len(fade) :] *= fade[::-1]
    samples = np.pad(samples, rng.integers(int(0.02 * SAMPLE_RATE), int(0.1 * SAMPLE_RATE), size=2))
    level = 10 ** (rng.uniform(-29, -24) / 20) / np.sqrt(np.mean(samples**2))
    samples = samples * min(level, 0.9 / np.abs(samples).max())
    step = 2**6
    return (np.round(samples * 32768 / step + rng.normal(0, 0.3, len(samples))) * step).astype(np.int16)


# ----------------------------------------------------------------------------------------------- the corpus


class Clip(NamedTuple):
    subset: str
    voice: Voice
    chapter: int
    number: int
    sentence: str

    @property
    def stem(self) -> str:
        """The file's path beneath the corpus, without its extension."""
        speaker, chapter = self.voice.speaker, self.chapter
        return f"{self.subset}/{speaker}/{chapter}/{speaker}-{chapter}-{self.number:04d}"


def plan(seed: int = SEED) -> list[Clip]:
    """Who says what: the same list for the same seed, no sentence twice."""
    rng = random.Random(seed)
    voices = {
        "test-mini": SEEN * 6 + UNSEEN * 28,
        "dev-mini": SEEN * 5,
        "train-mini": [voice for voice in SEEN for _ in range(8 * voice.share)],
    }
    taken: set[str] = set()
    clips = []
    for chapter, (subset, speakers) in enumerate(voices.items(), start=1):
        rng.shuffle(speakers)
        numbers = Counter()
        for voice, sentence in zip(speakers, write_sentences(len(speakers), taken, rng), strict=True):
            clips.append(Clip(subset, voice, chapter, numbers[voice], sentence))
            numbers[voice] += 1
    return sorted(clips, key=lambda clip: clip.stem)


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.rename(path)


def write_transcripts(clips: list[Clip], out: Path) -> None:
    """Write every ``.trans.txt``; stop if `out` holds other sentences, for its audio would not match."""
    texts: dict[Path, str] = {}
    for clip in clips:
        path = out / f"{clip.stem[:-5]}.trans.txt"
        texts[path] = texts.get(path, "") + f"{Path(clip.stem).name} {transcript(clip.sentence)}\n"
    for path in out.glob("*/*/*/*.trans.txt"):
        if path.read_text() != texts.get(path):
            sys.exit(f"make_mini: {out} holds other sentences: delete it, or choose another --out")
    for path, text in texts.items():
        write_text(path, text)


def record(clip: Clip, out: Path) -> float:
    """Make one FLAC unless it is there already; returns its seconds."""
    flac = out / f"{clip.stem}.flac"
    if not flac.exists():
        rng = np.random.default_rng([SEED, clip.voice.speaker, clip.chapter, clip.number])
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "speech.wav"
            speak(clip.voice, clip.sentence, rng.uniform(0.92, 1.08), wav)
            samples = finish(*sf.read(wav), rng)
        part = flac.with_suffix(".part")
        sf.write(part, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)
        part.rename(flac)
    return sf.info(flac).duration


def write_speakers(clips: list[Clip], seconds: list[float], out: Path) -> None:
    """LibriSpeech's SPEAKERS.TXT; a speaker heard in several subsets has a line for each."""
    total = Counter()
    for clip, duration in zip(clips, seconds, strict=True):
        total[clip.voice, clip.subset] += duration
    lines = [";ID  |SEX| SUBSET     |MINUTES| NAME"]
    for (voice, subset), duration in sorted(total.items(), key=lambda item: (item[0][0].speaker, item[0][1])):
        name = f"{voice.engine} {voice.name}"
        lines.append(f"{voice.speaker} | {voice.sex} | {subset:<10} | {duration / 60:5.2f} | {name}")
    write_text(out / "SPEAKERS.TXT", "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write, speak and file the embedded corpus.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "mini")
    out = parser.parse_args().out
    check_engines()
    clips = plan()
    write_transcripts(clips, out)
    with ThreadPoolExecutor(2) as pool:
        seconds = list(tqdm(pool.map(lambda clip: record(clip, out), clips), total=len(clips), unit="clip"))
    write_speakers(clips, seconds, out)
    print(f"{len(clips)} clips, {sum(seconds) / 60:.1f} minutes in {out}")


if __name__ == "__main__":
    main()
