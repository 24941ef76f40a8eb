// The recogniser, in a thread of its own, so that the page never stutters. There is no shared memory: that would need
// two headers that simple web servers, GitHub Pages among them, cannot send.

import { answerWith, guarded } from "./answering.js";
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

function picture(samples, turn) {
  const mel = recogniser.features.logMel(samples);
  postMessage({ kind: "picture", turn, mel, seconds: seconds(samples.length) });
  return mel;
}

// `sound` is {samples, mel, turn, number, changed}; all of it goes back with the words.
function words(sound) {
  const start = performance.now(), report = (share) => postMessage({ kind: "progress", share });
  const logProbs = recogniser.logProbs(sound.samples, report), listened = performance.now();
  const found = recogniser.decode(logProbs);
  lastWords = performance.now();
  const times = { network: listened - start, search: lastWords - listened };
  postMessage({ ...sound, kind: "result", logProbs, times, seconds: seconds(sound.samples.length), ...found });
}

// While a slider moves, words come only now and then.
function wordsOften(sound) {
  clearTimeout(soon);
  if (performance.now() - lastWords > MOST_WORDLESS_MS) words(sound);
  else soon = setTimeout(guarded, SOON_MS, () => words(sound));
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
    const samples = this.samples.slice(0, this.length);
    words({ samples, mel: picture(samples, this.turn), turn: this.turn, changed: false });
  }
}

const textOf = (words) => words.map((word) => word.text).join(" ");
const moved = (word, by) => ({ ...word, start: word.start + by, end: word.end + by });

answerWith({
  load,
  hotwords: ({ words: expected }) => recogniser.useHotwords(expected),
  candidates: ({ logProbs, first, end, turn }) => {
    const frames = recogniser.candidates(logProbs, first, end, CANDIDATES);
    postMessage({ kind: "candidates", turn, first, frames });
  },
  words: ({ samples, mel, turn, number, changed }) => wordsOften({ samples, mel, turn, number, changed }),
  begin: ({ rate, turn }) => (live = new Live(rate, turn)),
  block: ({ samples }) => live.hear(samples),
  look: () => live.look(),
  end: () => live.end(),
});
