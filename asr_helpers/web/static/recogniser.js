// From samples to words: features, network, search, times. The twin of asr_helpers/recognizer/recognizer.py.

import { align } from "./alignment.js";
import { BeamSearch, greedy } from "./beam.js";
import { probability } from "./confidence.js";
import { Engine, logSoftmax } from "./engine.js";
import { Features } from "./features.js";
import { Boosted } from "./hotwords.js";
import { LanguageModel } from "./lm.js";
import { pieces, segments } from "./windows.js";

export class Recogniser {
  // `settings` are recogniser.json; the others are the bytes of engine.wasm and model.bin.
  static async create(settings, wasm, model) {
    const recogniser = new Recogniser(), { features, alphabet } = settings;
    Object.assign(recogniser, { settings, alphabet: [...alphabet], search: null });
    recogniser.classes = recogniser.alphabet.length + 1;
    recogniser.space = recogniser.alphabet.indexOf(" ");
    recogniser.features = new Features(features);
    recogniser.engine = await Engine.create(wasm, model, features, recogniser.classes);
    recogniser.outputHop = features.hop * features.time_pooling; // samples from one output frame to the next
    recogniser.frameSeconds = recogniser.outputHop / features.sample_rate;
    return recogniser;
  }

  // Without a language model, each frame's best label counts. With one, the text comes from the beam search.
  useLanguageModel(bytes) {
    const { alphabet, decoder } = this.settings;
    this.lm = new LanguageModel(bytes, alphabet, decoder);
    this.search = new BeamSearch(this.lm, alphabet, decoder);
  }

  // Names and phrases to be expected, as readHotwords returns them.
  useHotwords(words) {
    const { alphabet, decoder } = this.settings, { boost, new_word, hotword_min_log_prob: least } = decoder;
    if (!words.length) this.search = new BeamSearch(this.lm, alphabet, decoder);
    else {
      const model = Boosted.of(this.lm, words, this.alphabet, boost, new_word);
      this.search = new BeamSearch(model, alphabet, { ...decoder, min_log_prob: least });
    }
  }

  // The log-probabilities (frames, classes) of samples of any length, one frame for every 40 ms. `report` gets the
  // share of the pieces that are done.
  logProbs(samples, report = () => {}) {
    const parts = pieces(samples, this.settings).map((piece, done, all) => {
      report(done / all.length);
      const whole = this.piece(piece.samples), frames = whole.length / this.classes;
      const first = Math.floor(piece.before / this.outputHop), end = frames - Math.floor(piece.after / this.outputHop);
      const part = whole.subarray(first * this.classes, end * this.classes);
      if (piece.inPause) part.set(this.certain(1, this.space), part.length - this.classes); // the cut parts two words
      return part;
    });
    return joined(parts);
  }

  // One piece: blanks where nobody speaks before and after. The network sees no long silence.
  piece(samples) {
    const { window, hop, time_pooling, mels } = this.settings.features;
    const frames = Math.floor((1 + Math.floor(samples.length / hop)) / time_pooling);
    const silence = this.certain(frames, this.classes - 1);
    if (samples.length < window || samples.every((sample) => sample === samples[0])) return silence;
    const { features, speech } = this.features.features(samples);
    const first = Math.floor(speech.indexOf(1) / time_pooling);
    const end = Math.ceil((speech.lastIndexOf(1) + 1) / time_pooling); // in output frames
    const heard = features.subarray(first * time_pooling * mels, end * time_pooling * mels);
    if (heard.length >= time_pooling * mels) silence.set(this.engine.logProbs(heard), first * this.classes);
    return silence;
  }

  // Frames of which the label is certain.
  certain(frames, label) {
    const logits = new Float32Array(frames * this.classes);
    for (let t = 0; t < frames; t++) logits[t * this.classes + label] = this.settings.windows.certain_logit;
    return logSoftmax(logits, this.classes);
  }

  // What the search gets at a time.
  segments(logProbs) {
    const most = Math.floor(this.settings.windows.max_uncut_samples / this.outputHop);
    return segments(logProbs, this.classes, this.space, most);
  }

  // Returns {text, letters, words} for log-probabilities: with the language model, without it, and with times and
  // probabilities.
  decode(logProbs) {
    const words = [];
    for (const segment of this.segments(logProbs)) {
      const letters = greedy(segment.logProbs, this.alphabet).trim();
      const text = this.search?.search(segment.logProbs).text ?? letters;
      words.push(...align(segment.logProbs, text, this.alphabet, this.frameSeconds, segment.first));
    }
    const { platt, limits } = this.settings.confidence, fitted = this.search ? platt.beam : platt.greedy;
    for (const word of words) word.probability = probability(word.confidence, fitted, limits);
    return { text: words.map((word) => word.text).join(" "), letters: greedy(logProbs, this.alphabet).trim(), words };
  }

  // The `count` best texts of the search after each of the frames from `first` to `end`.
  candidates(logProbs, first, end, count) {
    const found = [], { classes } = this;
    for (const segment of this.segments(logProbs)) {
      const length = segment.logProbs.length / classes;
      if (segment.first + length <= first || segment.first >= end) continue;
      const use = (t) => segment.first + t >= first && found.push(this.search.leaders(count));
      this.search.search(segment.logProbs.subarray(0, (end - segment.first) * classes), use);
    }
    return found;
  }
}

function joined(parts) {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
