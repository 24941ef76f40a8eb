// What one may unfold under the words: how one of them came about. The word is the one that was tapped last.

import { candidates } from "./candidates.js";
import { followTheme } from "./theme.js";
import { trellis } from "./trellis.js";

const AROUND = 4; // frames before and after a word's letters
const $ = (id) => document.getElementById(id);

export class Inside {
  // `ask({logProbs, first, end})` asks for the beam's candidates; showCandidates gets them, now or never.
  constructor(ask) {
    Object.assign(this, { ask, word: null, result: null });
    followTheme($("inside"));
    $("inside").ontoggle = () => this.draw();
  }

  // What was recognised; the word at the same moment stays chosen.
  show(result) {
    const { words } = result, middle = this.word ? (this.word.start + this.word.end) / 2 : 0;
    const distance = (word) => Math.abs((word.start + word.end) / 2 - middle);
    this.result = result;
    this.word = words.reduce((best, each) => (best && distance(best) <= distance(each) ? best : each), null);
    $("inside").hidden = !this.word;
    this.draw();
  }

  // A word of the instrument was tapped, or something else was.
  choose(tapped) {
    const word = this.result?.words[[...(tapped.closest(".instrument-words")?.children ?? [])].indexOf(tapped)];
    if (!word) return;
    this.word = word;
    this.draw();
  }

  draw() {
    if (!this.word || !this.result || !$("inside").open) return;
    const { logProbs, settings } = this.result, alphabet = [...settings.alphabet], classes = alphabet.length + 1;
    const { hop, time_pooling, sample_rate } = settings.features, frameSeconds = (hop * time_pooling) / sample_rate;
    const { first, end, text } = this.stretch(frameSeconds, classes, alphabet.indexOf(" "));
    this.place = { seconds: first * frameSeconds, frameSeconds };
    $("inside-word").textContent = this.word.text;
    const data = { text, logProbs: logProbs.slice(first * classes, end * classes), alphabet, ...this.place };
    if (this.drawTrellis) this.drawTrellis(data);
    else this.drawTrellis = trellis($("trellis"), data);
    $("beam").hidden = !settings.language_model;
    if (settings.language_model) this.ask({ logProbs, first, end });
  }

  // The word's frames and a few around it; between it and a neighbour, up to the space, which then belongs to the text.
  stretch(frameSeconds, classes, space) {
    const { logProbs, words } = this.result, place = words.indexOf(this.word);
    const frame = (time) => Math.round(time / frameSeconds);
    const spaceBetween = (from, to) => {
      let best = from;
      for (let t = from; t < to; t++) if (logProbs[t * classes + space] > logProbs[best * classes + space]) best = t;
      return best;
    };
    const before = words[place - 1], after = words[place + 1];
    const start = frame(this.word.start), stop = frame(this.word.end);
    const first = before ? spaceBetween(frame(before.end), start) : Math.max(0, start - AROUND);
    const end = after ? spaceBetween(stop, frame(after.start)) + 1 : Math.min(logProbs.length / classes, stop + AROUND);
    return { first, end, text: (before ? " " : "") + this.word.text + (after ? " " : "") };
  }

  showCandidates({ frames }) {
    if (!frames.length) return;
    const data = { frames, ...this.place };
    if (this.drawCandidates) this.drawCandidates(data);
    else this.drawCandidates = candidates($("candidates"), data);
  }
}
