// All the computing, in a thread of its own, so that the page never stutters. One worker and no shared memory: that
// would need two headers that simple web servers, GitHub Pages among them, cannot send.

import { spoiled } from "./effects.js";
import { Hearing, Listener } from "./listener.js";
import { named } from "./named.js";
import { Recogniser } from "./recogniser.js";
import { Resampler } from "./resample.js";

const CANDIDATES = 6; // texts that are shown
const SOON_MS = 60, MOST_WORDLESS_MS = 400; // until words come, after a slider's last move and while it moves
let settings, recogniser, live = null, soon = 0, lastWords = -MOST_WORDLESS_MS;

async function load({ settings: its, wasm, model, lm }) {
  settings = its;
  const { engine, network, language_model } = settings;
  recogniser = await named(`${engine} or ${network}`, () => Recogniser.create(settings, wasm, model));
  if (lm) await named(language_model, () => recogniser.useLanguageModel(lm));
  postMessage({ kind: "ready" });
}

// The picture first: it comes at once, the words take longer.
function recognise(samples, kind, turn, changed = false) {
  return words(samples, picture(samples, turn), kind, turn, changed);
}

function picture(samples, turn) {
  const mel = recogniser.features.logMel(samples);
  postMessage({ kind: "picture", turn, mel, seconds: seconds(samples.length) });
  return mel;
}

function words(samples, mel, kind, turn, changed) {
  const start = performance.now(), report = (share) => kind === "result" && postMessage({ kind: "progress", share });
  const logProbs = recogniser.logProbs(samples, report), listened = performance.now();
  const found = recogniser.decode(logProbs);
  lastWords = performance.now();
  const times = { network: listened - start, search: lastWords - listened };
  postMessage({ kind, turn, samples, changed, mel, logProbs, times, seconds: seconds(samples.length), ...found });
  return found;
}

// While a slider moves, each picture comes at once, and words only now and then.
function recogniseOften(samples, turn, changed) {
  clearTimeout(soon);
  const mel = picture(samples, turn);
  const late = performance.now() - lastWords > MOST_WORDLESS_MS;
  if (late) words(samples, mel, "result", turn, changed);
  else soon = setTimeout(guarded, SOON_MS, () => words(samples, mel, "result", turn, changed));
}

const seconds = (samples) => samples / settings.features.sample_rate;

// What the microphone hears: all of it is kept, because the whole recording is recognised again at its end.
class Live {
  constructor(rate, turn) {
    const { sample_rate } = settings.features, { classes, frameSeconds, outputHop } = recogniser;
    this.turn = turn; // of the page's sounds: it comes back with every answer
    this.resampler = new Resampler(rate, sample_rate);
    this.samples = new Float32Array(sample_rate);
    this.length = this.given = 0;
    this.settled = [];
    this.hearing = new Hearing((samples) => recogniser.logProbs(samples), classes, outputHop);
    const read = (frames, first) => recogniser.decode(frames).words.map((word) => moved(word, first * frameSeconds));
    this.listener = new Listener(read, classes, frameSeconds);
  }

  hear(block) {
    this.keep(this.resampler.push(block));
  }

  keep(samples) {
    if (this.length + samples.length > this.samples.length) {
      const longer = new Float32Array(2 * (this.length + samples.length));
      longer.set(this.samples);
      this.samples = longer;
    }
    this.samples.set(samples, this.length);
    this.length += samples.length;
  }

  // The picture goes up to now. The letters and words come a second or two later: the network reads both ways.
  look() {
    for (const chunk of this.hearing.push(this.samples.slice(this.given, this.length))) {
      for (const words of this.listener.step(chunk).finals) this.settled.push(textOf(words));
    }
    this.given = this.length;
    const { black, grey, first, frames: logProbs } = this.listener, { frameSeconds, outputHop } = recogniser;
    const stretch = this.samples.slice(first * outputHop, this.length);
    const words = [...black, ...grey].map((word) => moved(word, -first * frameSeconds));
    postMessage({ kind: "settled", text: this.settled.join(" ") });
    picture(stretch, this.turn);
    const shown = { words, black: black.length, logProbs, seconds: seconds(stretch.length) };
    postMessage({ kind: "partial", turn: this.turn, ...shown });
  }

  end() {
    this.keep(this.resampler.end());
    recognise(this.samples.slice(0, this.length), "result", this.turn);
  }
}

const textOf = (words) => words.map((word) => word.text).join(" ");
const moved = (word, by) => ({ ...word, start: word.start + by, end: word.end + by });

const answers = {
  load,
  hotwords: ({ words }) => recogniser.useHotwords(words),
  candidates: ({ logProbs, first, end, turn }) => {
    const frames = recogniser.candidates(logProbs, first, end, CANDIDATES);
    postMessage({ kind: "candidates", turn, first, frames });
  },
  recognise: ({ samples, effects, turn }) => {
    const changed = Object.keys(effects).length > 0;
    const heard = changed ? spoiled(samples, effects, settings.features.sample_rate) : samples;
    recogniseOften(heard, turn, changed);
  },
  begin: ({ rate, turn }) => (live = new Live(rate, turn)),
  block: ({ samples }) => live.hear(samples),
  look: () => live.look(),
  end: () => live.end(),
};

// What goes wrong is said on the page.
async function guarded(work) {
  try {
    await work();
  } catch (error) {
    postMessage({ kind: "error", message: error.message });
  }
}

onmessage = async ({ data }) => {
  await guarded(() => answers[data.kind](data));
  if (data.asked) postMessage({ kind: "answered" });
};
