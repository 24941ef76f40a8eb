# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 14 · Live captions
#
# Speak, and watch your words appear: grey while they may still change, black once they stay.

# %% jupyter={"source_hidden": true}
import base64
import os
import time
from html import escape

import numpy as np
from IPython.display import HTML, display

# %% jupyter={"source_hidden": true}
from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.live import Final, Listener, Partial, VoiceDetector, after, agreement, best_network
from asr_helpers.recognizer import Recognizer, shipped_model
from asr_helpers.show import plots
from asr_helpers.show.widgets import LiveBench, player, words_html
from asr_helpers.sound import OUTPUT_HOP, log_mel, read_audio
from asr_helpers.teaching import check
from asr_helpers.words import (
    FastBeamSearch,
    align,
    best_text,
    default_decoder,
    paired_difference,
    shipped_lm,
    word_errors,
)

PROFILE = os.environ.get("ASR_PROFILE", "fast")
plots.style()
people = load_corpus(data_dir() / "real").utterances
recognizer, decoder = Recognizer.load(shipped_model()), default_decoder()


# %% jupyter={"source_hidden": true}
def follow(listener, samples):
    """Return (seconds heard, event) for each event of a listener that hears blocks of 100 ms."""
    found = []
    for end in range(1600, len(samples) + 1600, 1600):
        heard = min(end, len(samples)) / 16_000
        found += [(heard, event) for event in listener.push(samples[end - 1600 : end])]
    return found + [(len(samples) / 16_000, event) for event in listener.close()]


def caption_rows(found):
    """Return a table of what a viewer sees after each event: black words bold, grey ones faint."""
    rows = []
    for seconds, event in found:
        black, grey = (event.words, []) if isinstance(event, Final) else (event.black, event.grey)
        black, grey = (escape(" ".join(word.text for word in words)) for words in (black, grey))
        faint = f'<span style="opacity:0.6"><i>{grey.lower()}</i></span>'
        rows.append(f"<tr><td>{seconds:.1f} s</td><td style='text-align:left'><b>{black}</b> {faint}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


# %% jupyter={"source_hidden": true}
clips = {each.id: read_audio(each.path) for each in people}
reading = np.concatenate([clips["4446-2275-0019"], np.zeros(16_000, np.float32), clips["4446-2275-0029"]])
network = best_network(recognizer)
story = follow(Listener(network, decoder, 1, VoiceDetector()), reading)
picture = base64.b64encode(plots.png(plots.spectrogram(log_mel(reading), title="played: a reading"))).decode()
alt = "spectrogram of twelve seconds of reading with a pause in the middle"
display(
    LiveBench(reading), player(reading, "the reading: The world is all there … Please tell me one thing, Bartley …")
)
HTML(
    "<details><summary>no kernel? This is what “play a reading” writes</summary>"
    f'<img src="data:image/png;base64,{picture}" alt="{alt}">{caption_rows(story)}</details>'
)

# %% [markdown] tags=["about"]
# | | |
# |---|---|
# | **Objectives** | caption live speech with a network that reads in both directions · choose a look-ahead from errors and delay · write a listener in twenty lines · keep music and chatter out of the captions · teach it names · say how sure a word is |
# | **Needs** | notebooks 05 and 07; the shipped model; a microphone, if you like; no network, no GPU |
# | **Minutes** | ci: under 1 · fast, workshop, full: 1 |

# %% [markdown]
# Press *speak*, or *play a reading*. The words appear before the sentence ends. Yet the network is still that of
# notebook 09, which was trained on whole clips and reads them in both directions. How can it answer before it has
# heard the end? (The cells above hold imports, the bench and two small helpers.)
#
# <details><summary>No kernel running? This is what the bench looks like.</summary>
#
# ![two buttons and a field for names above a spectrogram, and under it the words heard](../figures/live_bench.png)
#
# </details>
#
# ## How much future does it need?
#
# The backward half of each BiLSTM begins at the end of the sound, with an empty memory. What does it make of the last
# letters when a sentence is cut off in the middle? Cut each clip after 2, 2.5 and 3 seconds, and count the letters that
# come out as they do in the whole clip.

# %%
chosen = people[:: 8 if PROFILE == "ci" else 1]
NEAR, BLANK, kept = 25, 28, []  # frames of 40 ms before the cut

# %%
for each in chosen:
    whole = recognizer.audio_log_probs(clips[each.id]).argmax(axis=1)
    for seconds in (2, 2.5, 3):
        part = recognizer.audio_log_probs(clips[each.id][: int(seconds * 16_000)]).argmax(axis=1)
        expected = whole[len(part) - NEAR : len(part)]
        kept.append(np.where(expected == BLANK, np.nan, part[-NEAR:] == expected))

# %%
share = np.nanmean(kept, axis=0)
print(f"right beside the cut {np.nanmean(share[-3:]):.0%} of the letters survive, a second before it {share[0]:.0%}")

# %% [markdown]
# So a window needs some sound behind the frames that we keep: the *look-ahead*. We hear the stream in windows of some
# past, a chunk of new frames, and the look-ahead, and keep the chunk.


# %%
def in_windows(samples, ahead, chunk=12, past=50):  # in frames of 40 ms
    frames = []
    for new in range(0, len(samples) // OUTPUT_HOP, chunk):
        start = max(0, new - past)
        window = samples[start * OUTPUT_HOP : (new + chunk + ahead) * OUTPUT_HOP]
        frames.append(recognizer.audio_log_probs(window)[new - start : new - start + chunk])
    return np.concatenate(frames)


# %% [markdown]
# What does each look-ahead cost, as a WER? Read the clips with several, greedily and with the *language model*, and
# compare with the whole clip.

# %%
AHEAD = (0, 3, 6, 12, 25, 50)
texts = [each.text for each in chosen]
offline = [recognizer.audio_log_probs(clips[each.id]) for each in chosen]
windowed = {ahead: [in_windows(clips[each.id], ahead) for each in chosen] for ahead in AHEAD}

# %%
errors = {
    name: [word_errors(texts, [decode(each) for each in outputs]) for outputs in (offline, *windowed.values())]
    for name, decode in (("greedy", recognizer.greedy), ("with the language model", decoder))
}

# %% jupyter={"source_hidden": true}
figure, (left, right) = plots.new(
    1,
    2,
    (8, 3.2),
    "left, letters kept over seconds before the cut; right, errors over look-ahead, with bands",
    "Half a second of look-ahead is nearly as good as the whole clip.",
)
left.plot((np.arange(NEAR) - NEAR + 0.5) * 0.04, 100 * share, marker=".")
left.set(title="letters as in the whole clip", xlabel="seconds before the cut", ylabel="%", ylim=(0, 105))
for (name, rates), color in zip(errors.items(), (plots.ORANGE, plots.BLUE), strict=True):
    right.plot(np.array(AHEAD) * 0.04, [100 * each.rate for each in rates[1:]], marker="o", color=color, label=name)
    low, high = (100 * np.array([each.interval() for each in rates[1:]])).T
    right.fill_between(np.array(AHEAD) * 0.04, low, high, color=color, alpha=0.15, linewidth=0)
    right.axhline(100 * rates[0].rate, color=color, linestyle=":")
right.set(title="errors (dotted: the whole clip)", xlabel="look-ahead (s)", ylabel="WER (%)", ylim=(0, None))
right.legend()
plots.save(figure, "14_look_ahead")

# %% [markdown]
# Without look-ahead there are far more errors. Half a second removes nearly all of the extra ones, and these clips
# show no gain beyond it: the bands are 95 % intervals. That is the price of two directions, in seconds. A network that
# reads only forwards needs no look-ahead, but it has to be trained that way.
#
# The delay is the other axis. A sound waits until its chunk and the look-ahead are complete, so the worst delay is their
# sum. What does each delay cost, compared with the whole clip?

# %%
for ahead, rate in zip(AHEAD, errors["with the language model"][1:], strict=True):
    change, (low, high) = paired_difference(errors["with the language model"][0], rate)
    print(
        f"look-ahead {ahead * 0.04:4.2f} s: delay up to {(12 + ahead) * 0.04:4.2f} s, "
        f"WER {100 * change:+5.1f} points ({100 * low:+.1f} to {100 * high:+.1f}), "
        f"each second is heard {(50 + 12 + ahead) / 12:.1f} times"
    )

# %% [markdown]
# ## Must each window be computed from scratch?
#
# The last column is a waste: each second is computed five to nine times. The forward LSTMs could go on where they were,
# and only the look-ahead has to be heard twice. `StreamingNetwork` cuts the shipped file into such a graph, with the same
# weights (a *latency-controlled* BLSTM, [Zhang and others 2016](https://arxiv.org/abs/1510.08983)). What does that save?

# %%
for name, hearer in (("windows", recognizer), ("latency-controlled", network)):
    began = time.thread_time()
    follow(Listener(hearer, lambda log_probs: "", 1), reading)
    spent = time.thread_time() - began
    print(f"{name:18} {1000 * spent / (len(reading) / 16_000):5.1f} ms of CPU time per second of sound")

# %% [markdown]
# ## A listener in twenty lines
#
# Now the words. With every chunk we decode all frames since the last pause again, so a late sound can still correct an
# early word. Such words are *grey*. What two readings in a row agree on becomes *black*, and black words never change
# ([LocalAgreement](https://arxiv.org/abs/2005.11185)). A word that ended two seconds ago becomes black in any case.
# Here is the whole listener, without pauses:

# %%
CHUNK, LOOK_AHEAD, PAST = 25, 25, 50  # frames


def listen(blocks, agree=agreement):
    samples, frames, heard = np.zeros(0, np.float32), np.zeros((0, 29), np.float32), 0
    black, grey = [], []
    for block in blocks:
        samples = np.append(samples, block)
        while len(samples) >= (heard + CHUNK + LOOK_AHEAD) * OUTPUT_HOP:
            start = max(0, heard - PAST)
            window = samples[start * OUTPUT_HOP : (heard + CHUNK + LOOK_AHEAD) * OUTPUT_HOP]
            first = (start + heard) // 2 if start else 0  # older frames have more future now: replace them
            heard += CHUNK
            new = recognizer.audio_log_probs(window)[first - start : heard - start]
            frames = np.concatenate([frames[:first], new])
            words = after(black, align(frames, decoder(frames).strip()))  # what goes on behind the black words
            old = sum(word.end <= heard * 0.04 - 2 for word in words)
            count = max(agree(grey, words), old)
            black, grey = black + words[:count], words[count:]
            yield Partial(black, grey)


# %% [markdown]
# `agreement` counts the words at the beginning of two lists that are the same. Is this the helper's listener? Give both
# the same clip, one in blocks of 100 ms, the other in blocks of a third of a second:

# %%
clip = clips["4446-2275-0029"]
mine = list(listen(np.array_split(clip, 20)))
helper = [event for _, event in follow(Listener(recognizer, decoder), clip) if isinstance(event, Partial)]
assert mine == helper
print(f"{len(mine)} updates, all equal")
HTML(caption_rows(zip(np.arange(2, 2 + len(mine)), mine, strict=True)))

# %% [markdown]
# The helper adds what a stream needs: it ends a line at a pause of 0.8 s, and forgets silence. It has no clock, no thread
# and no microphone. The same samples give the same events, whatever the blocks' sizes, so a test can compare them.
#
# ## How long do you wait?
#
# For each word of the clips: how long after its end is it on the screen for good, and how long until it is black?


# %%
def waits(found):
    *partials, (end, final) = found
    stable, black, alive = [end] * len(final.words), [end] * len(final.words), len(final.words)
    for seconds, event in reversed(partials):
        alive = min(alive, agreement(event.black + event.grey, final.words))
        stable[:alive] = [seconds] * alive
        black[: len(event.black)] = [seconds] * len(event.black)
    ends = np.array([word.end for word in final.words])
    return np.array([stable, black]) - ends


# %%
waited = {}
for delay in (1, 2):
    stories = [follow(Listener(network, decoder, delay), clips[each.id]) for each in chosen]
    single = [found for found in stories if sum(isinstance(event, Final) for _, event in found) == 1]
    waited[delay] = np.concatenate([waits(found) for found in single], axis=1)

# %% jupyter={"source_hidden": true}
figure, ax = plots.new(
    size=(7, 3),
    alt="share of the words over the seconds after their end, for two delays, stable and black: four rising curves",
    caption="With delay 1, half of the words are stable after 0.7 s; they turn black about one chunk later.",
)
for (delay, both), color in zip(waited.items(), (plots.BLUE, plots.ORANGE), strict=True):
    for values, line, kind in zip(both, ("-", "--"), ("stable", "black"), strict=True):
        ax.plot(np.sort(values), np.linspace(0, 100, len(values)), line, color=color, label=f"delay {delay}: {kind}")
ax.set(xlabel="seconds after the word's end", ylabel="% of the words", xlim=(-0.5, 4), ylim=(0, 100))
ax.legend(loc="lower right")
plots.save(figure, "14_waits")

# %%
for delay, (stable, black) in waited.items():
    print(
        f"delay {delay}: a word is stable after {np.median(stable):.2f} s (95 %: {np.quantile(stable, 0.95):.2f}), "
        f"black after {np.median(black):.2f} s"
    )

# %% [markdown]
# Computing and the sound card add to that. With delay 1 the screen shows words that have heard only a third of a second
# of future, so more of them change once before they are stable.
#
# ## Break it: everything black at once
#
# Why wait for an agreement? Declare each word final as soon as it appears:

# %%
hasty, patient = [], []
for each in chosen[:16]:
    for texts_of, agree in ((hasty, lambda grey, words: len(words)), (patient, agreement)):
        *_, last = listen([np.append(clips[each.id], np.zeros(32_000, np.float32))], agree)
        texts_of.append(" ".join(word.text for word in last.black + last.grey))
for name, found in (("at once", hasty), ("agreed", patient)):
    print(f"{name:8} WER {word_errors([each.text for each in chosen[:16]], found).rate:.1%}")
print("at once:", hasty[0], "\nagreed: ", patient[0])

# %% [markdown]
# Chunks end within words, and half a word looks like another word. Once it is black, nothing can correct it.
#
# ## Break it: pieces without a joint
#
# A long recording is cut in pauses and recognised piece by piece. Join the log-probabilities of two pieces as they are:

# %%
pairs = list(zip(offline[::2], offline[1::2], strict=False))
said = [f"{one} {other}" for one, other in zip(texts[::2], texts[1::2], strict=False)]
space = np.log(np.eye(29)[[0]] + 1e-9)  # a frame that is certainly a space

# %%
glued = [decoder(np.concatenate(pair)) for pair in pairs]
joined = [decoder(np.concatenate([one, space, other])) for one, other in pairs]
for name, found in (("glued", glued), ("with a space", joined)):
    print(f"{name:12} WER {word_errors(said, found).rate:.1%}  … {found[0][20:75]} …")

# %% [markdown]
# The last word of one piece and the first of the next run together, because no frame says that a word has ended. The
# letters on both sides of the joint suffer, and the language model makes it worse.
#
# ## What does it write when nobody speaks?
#
# Three sounds that are not dictation: a band, a keyboard, and a canteen (six readers at once, from afar). The next two
# cells make them, ten seconds each.


# %% jupyter={"source_hidden": true}
def keyboard(rng, count=160_000):
    sound, decay = np.zeros(count), np.exp(-200 * np.arange(800) / 16_000)
    for place in (np.cumsum(rng.uniform(0.08, 0.4, 40)) * 16_000).astype(int):
        sound[place : place + 800] += (rng.standard_normal(800) * decay)[: max(0, count - place)]
    return sound


def band(rng, count=160_000):
    seconds, sound = np.arange(8000) / 16_000, np.zeros(count)
    for beat in range(count // 8000):
        root = (220, 174.6, 261.6, 196)[beat // 4 % 4]
        notes = [root, 1.25 * root, 1.5 * root, 2 * root * rng.choice([1, 9 / 8, 5 / 4, 3 / 2])]
        tones = sum(np.sin(2 * np.pi * note * k * seconds) / k for note in notes for k in range(1, 8))
        sound[8000 * beat : 8000 * (beat + 1)] = np.exp(-3 * seconds) * tones
    return sound


# %% jupyter={"source_hidden": true}
rng = np.random.default_rng(5)
readers = list(clips.values())[:24:4]
canteen = sum(np.resize(each, 160_000) / each.std() for each in readers)
sounds = {"a band": band(rng), "a keyboard": keyboard(rng), "a canteen": canteen}
sounds = {name: (0.05 * sound / sound.std()).astype(np.float32) for name, sound in sounds.items()}
display(*(player(sound, name) for name, sound in sounds.items()))

# %%
for name, sound in sounds.items():
    for how, detector in (("no detector", None), ("Silero VAD", VoiceDetector())):
        found = [event for _, event in follow(Listener(network, decoder, 2, detector), sound)]
        lines = [" ".join(word.text for word in event.words) for event in found if isinstance(event, Final)]
        doubt = sum(event.doubtful for event in found if isinstance(event, Final))
        print(
            f"{name:10} {how:11} {len(' '.join(lines).split()):2} words, {doubt} lines “(?)”: {' / '.join(lines)[:60]}"
        )

# %% [markdown]
# The recogniser has never heard music. It fits letters to every sound, and the language model turns them into words. A
# *voice activity detector* answers a simpler question, 31 times a second: does somebody speak? The shipped one is
# [Silero VAD](https://github.com/snakers4/silero-vad), 1.25 MB. Its answers:

# %% jupyter={"source_hidden": true}
figure, axes = plots.new(
    2,
    2,
    (7, 3.8),
    "speech: near 1; band and keyboard: near 0; canteen: nearly always above the threshold",
    "The detector tells speech from other sounds. It cannot tell whose speech it is.",
    sharex=True,
    sharey=True,
)
for ax, (name, sound) in zip(axes.flat, {"one reader": np.resize(clip, 160_000), **sounds}.items(), strict=True):
    answers = VoiceDetector()(sound)
    ax.plot(np.arange(len(answers)) * 0.032, answers, linewidth=1)
    ax.axhline(0.5, color=plots.GREY, linestyle=":")
    ax.set(title=f"{name}: {np.mean(answers >= 0.5):.0%} speech", ylim=(-0.03, 1.03))
for ax in axes[:, 0]:
    ax.set(ylabel="P(speech)")
for ax in axes[1]:
    ax.set(xlabel="time (s)")
plots.save(figure, "14_voice")

# %% [markdown]
# The detector keeps out the keyboard and nearly all of the band. The canteen *is* speech, so no detector of speech can
# help. A second gate looks at the words: those of confidence below 0.1 are dropped, and a line whose mean is below 0.4
# stays grey, with a question mark.
#
# ## Names
#
# Two readers say *Bartley*, *Leocadia* and *Rodolfo*. The language model gives the first little credit, and has never seen
# the others. A *hotword* changes that: each n-gram that ends in it gains a few nats.

# %%
name_clips = {"Bartley": "4446-2275-0029", "Leocadia": "5639-40744-0007", "Rodolfo": "5639-40744-0007"}
for name, key in name_clips.items():
    heard = recognizer.audio_log_probs(clips[key])
    print(f"{name:8} none  {decoder(heard)[:66]}")
    for boost in (0, 5.5, 15):
        search = FastBeamSearch(shipped_lm(), hotwords=[name], boost=boost)
        print(f"{'':8} {boost:4}  {best_text(search)(heard)[:66]}")

# %% [markdown]
# *Bartley* needs a push, and *Leocadia* only has to be known. *Rodolfo* needs far more than the default of 5.5, because the
# network hears other letters. With such a boost the name would soon appear where nobody said it. Type *Bartley* into the
# bench at the top, play the reading again, and watch the name come.
#
# ## How sure is it?
#
# Each word has a confidence from its letters, and notebook 07's Platt scaling makes it a probability. The bench underlines
# words below 70 %. Does that find the errors?

# %%
from difflib import SequenceMatcher

from asr_helpers.words import with_probability

right, sure = [], []
for each, log_probs in zip(chosen, offline, strict=True):
    words = with_probability(align(log_probs, decoder(log_probs).strip()), "beam")
    blocks = SequenceMatcher(
        None, each.text.split(), [word.text for word in words], autojunk=False
    ).get_matching_blocks()
    good = {place for block in blocks for place in range(block.b, block.b + block.size)}
    right += [place in good for place in range(len(words))]
    sure += [word.probability for word in words]
right, doubted = np.array(right), np.array(sure) < 0.7

# %%
print(f"{doubted.mean():.0%} of {len(right)} words are underlined; {1 - right[doubted].mean():.0%} of these are wrong")
print(
    f"of the others {1 - right[~doubted].mean():.0%} are wrong; underlining finds {doubted[~right].mean():.0%} of the errors"
)
log_probs = recognizer.audio_log_probs(clips["4446-2275-0029"])
HTML(words_html(with_probability(align(log_probs, decoder(log_probs).strip()), "beam")))

# %% [markdown]
# ## Exercises
#
# Write into the empty cells and let `check` judge.
# [All of them solved](../notebooks/solutions/14_live.ipynb).

# %% [markdown] tags=["exercise"]
# ### Exercise 14.1 · LocalAgreement in ten lines
#
# *easy · 10 minutes*
#
# Write a function of `updates`, a list of readings of one sentence, each a list of words. It returns a list: the black
# words after each update. Words become black when two updates in a row agree on them, and on all words before them. Black
# words never change; a reading goes on behind as many words as are black. The answer is the function.


# %% tags=["solution"]
def local_agreement(updates):
    black, last, shown = [], [], []
    for words in updates:
        new = words[len(black) :]
        count = 0
        while count < min(len(last), len(new)) and last[count] == new[count]:
            count += 1
        black, last = black + new[:count], new[count:]
        shown.append(black)
    return shown


answer = local_agreement
answer([["WELL"], ["WELL", "NOAH"], ["WELL", "NOW", "ENNIS"], ["WELL", "NOW", "ENNIS", "I"]])

# %% tags=["check"]
check("14.1", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 14.2 · When does a line end?
#
# *medium · 10 minutes*
#
# Write a function of `words`, each with `start` and `end` in seconds, and `now`, the seconds heard so far. It says whether
# the line ends now: when the last word ended at least 0.8 s ago, or when the line has lasted for 25 s since its first
# word's start. Without words there is no line to end. The answer is the function.


# %% tags=["solution"]
def line_ends(words, now):
    if not words:
        return False
    return now - words[-1].end >= 0.8 or now - words[0].start >= 25


answer = line_ends
[line_ends(align(log_probs, decoder(log_probs).strip()), now) for now in (6.2, 7.5)]

# %% tags=["check"]
check("14.2", answer)

# %% [markdown] tags=["exercise"]
# ### Exercise 14.3 · A boost
#
# *hard · 15 minutes*
#
# A bigram model is a dictionary: `grams[("SAID", "BARTLEY")] = (log10 P, log10 back-off)`, and unigrams are tuples of one
# word. Write a function of `grams`, a `word` and a boost in `nats`. It returns a new dictionary in which each n-gram that
# ends in the word has gained the boost. A word that the model does not know first becomes a unigram of log10 P = −5.5, with
# back-off 0. The answer is the function.


# %% tags=["solution"]
def boosted(grams, word, nats):
    larger = {(word,): (-5.5, 0.0), **grams}
    for gram, (log10, backoff) in larger.items():
        if gram[-1] == word:
            larger[gram] = log10 + nats / np.log(10), backoff
    return larger


answer = boosted
boosted({("<unk>",): (-2.0, 0.0), ("SAID",): (-1.0, -0.3), ("SAID", "SIR"): (-0.5, 0.0)}, "SIR", 2.3)

# %% tags=["check"]
check("14.3", answer)

# %% [markdown]
# ### Open task · Caption a minute of your own
#
# Let somebody talk freely for a minute, with `asr listen --vtt talk.vtt` or the bench. Write down what was said, and make
# the captions as useful as you can: choose the delay, list the names, move the microphone. Then judge the result:
#
# | | 0 points | 1 point | 2 points |
# |---|---|---|---|
# | words | no number | WER of the final text | with a 95 % interval, and compared with a second setting |
# | waiting | "fast enough" | median wait of the words | median and 95 %, with the method |
# | names | none listed | listed, before and after | false insertions counted, too |
# | silence | not tried | what it writes in a pause | and on music or other voices |

# %% [markdown] tags=["quiz"]
# ## Quiz
#
# **1. Why does the shipped network need a look-ahead?**
#
# - [ ] its convolutions look far ahead | They see a few frames, some hundredths of a second.
# - [x] its backward LSTMs start with an empty memory at the window's end | After about half a second they know enough.
# - [ ] the language model needs the next word | It reads from left to right.
#
# **2. What makes a grey word black?**
#
# - [x] two readings in a row agree on it and all words before it | After two seconds it becomes black in any case.
# - [ ] its probability is above 70 % | That decides about the underline.
# - [ ] a pause | A pause ends the line. Most words are black before.
#
# **3. The chunk is 0.48 s and the look-ahead 0.48 s. When does a sound reach the screen, at the latest?**
#
# - [ ] after 0.48 s | That is the look-ahead alone.
# - [ ] after 0.24 s | No sound is that early if it lies at a chunk's beginning.
# - [x] after 0.96 s | It waits for the rest of its chunk, and then for the look-ahead. Computing comes on top.
#
# **4. A voice activity detector is switched on. Which sound still makes words?**
#
# - [ ] a keyboard | It is not speech, and the detector says so.
# - [ ] a band without a singer | The same.
# - [x] a canteen | It is speech, although not meant for us. Low confidence marks it.
#
# **5. Why is the hotwords' boost not simply 20 nats?**
#
# - [ ] the search would take too long | It takes as long as before.
# - [x] the names would be written where nobody said them | Each boost buys found names with false ones.
# - [ ] the names could not be spelt | Spelling does not depend on the boost.

# %% [markdown]
# ## Recap
#
# - A network of two directions can caption live: windows, or carried states, with half a second to a second of look-ahead.
# - Delay is chunk plus look-ahead. Errors rise steeply only below half a second.
# - Grey words may change. What two readings agree on is black, and stays.
# - A detector keeps out what is not speech; low confidence marks speech that is not meant for us.
# - A hotword is an edit of the language model. Its boost trades found names for false ones.
#
# ## Further reading
#
# - [NeMo, cache-aware streaming](https://arxiv.org/abs/2312.17279): one network, trained for several look-aheads.
# - [Macháček and others (2023), Whisper-Streaming](https://arxiv.org/abs/2307.14743): LocalAgreement around an offline model.
# - [sherpa-onnx, endpointing](https://k2-fsa.github.io/sherpa/ncnn/endpoint.html): the three rules that end a line.
#
# Next: [15 · In a page](15_in_a_page.ipynb), the same recogniser in a browser, without Python.
