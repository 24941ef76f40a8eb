// The instrument: a spectrogram that plays, the network's letters over time under it, and the words under those.
//
// It recognises nothing and loads nothing: numbers come in, so that the page and the notebooks can both use it.
// Colours are instrument.css's. The picture is as wide as the sound is long; only the visible part is ever drawn.

import { drawHeat, heatColours } from "./heat.js";
import { framesOf, letterRuns } from "./letter_frames.js";
import { Player } from "./player.js";

const PIXELS_PER_SECOND = 180; // at least: a short word then has room for its letters
const MOST_PIXELS_PER_SECOND = 420;
const SPECTROGRAM = 150, STRIP = 24, ROW = 12, WORD_ROW = 30; // heights in CSS pixels
const RANGE = 10; // nats between the darkest and the brightest colour, 43 dB
const BLANK = "–", SPACE = "␣"; // how the two silent classes are written
const DRAG = 5; // pixels that a mouse moves before a click becomes a stretch
const CLEAR = 0.1; // probability from which a letter's frames light up
const AROUND = 0.06; // seconds before and after a letter that are heard with it: its frames alone are a click

const PARTS = `
  <div class="instrument-bar">
    <button class="instrument-play" type="button">▶ Play</button>
    <button class="instrument-loop" type="button" aria-pressed="false" title="Repeat">⟳ Loop</button>
    <button class="instrument-clean" type="button" aria-pressed="false" hidden
      title="Hear the sound without the changes">Clean sound</button>
    <output class="instrument-time"></output>
  </div>
  <div class="instrument-body">
    <div class="instrument-letters" role="listbox" tabindex="0"
      aria-label="Letters. Choose one with the arrow keys: the moments where the network hears it light up. Enter plays
        the first one."></div>
    <div class="instrument-window">
      <div class="instrument-track">
        <canvas role="img"></canvas>
        <div class="instrument-selection" hidden></div>
        <div class="instrument-playhead" role="slider" tabindex="0" aria-valuemin="0"
          aria-label="Position in the sound"></div>
        <div class="instrument-words" role="group" aria-label="Words"></div>
      </div>
    </div>
  </div>
  <p class="instrument-hint">Tap the picture to play from there. Tap a word, or a letter under the upper
    picture, to hear it alone. Drag the mouse to hear a part. Point at a letter to see where it is heard.</p>
  <p class="instrument-said" role="status"></p>`;

export class Instrument {
  constructor(host) {
    host.classList.add("instrument");
    host.innerHTML = PARTS;
    const part = (name) => host.querySelector(`.instrument-${name}`);
    const names = ["window", "track", "playhead", "selection", "words", "letters", "said"];
    for (const name of names) this[name] = part(name);
    Object.assign(this, { playButton: part("play"), loopButton: part("loop"), cleanButton: part("clean") });
    this.timeOutput = part("time");
    Object.assign(this, { host, selected: null, canvas: host.querySelector("canvas") });
    this.player = new Player();
    this.data = { alphabet: [], mels: 1 };
    this.lit = []; // frames that light up: {first, end}
    this.listen();
    this.clear();
  }

  // Everything at once; what is not given stays as it was. `mel` (frames, mels) are natural logarithms of powers,
  // `logProbs` (frames, letters + 1) have the blank last, `words` are [{text, start, end, probability}] in seconds;
  // those less probable than `doubtful` are underlined. `clean` are the samples before they were changed, or null.
  // `follow` keeps the end in view.
  show(data, follow = false) {
    Object.assign(this.data, data);
    if (data.samples !== undefined) this.load(data);
    if (data.mel) this.top = data.mel.reduce((most, value) => Math.max(most, value), -Infinity);
    if (data.alphabet) this.makeLetters();
    if (data.logProbs) this.runs = letterRuns(data.logProbs, this.classes);
    this.light([]);
    this.arrange();
    if (follow) this.window.scrollLeft = this.track.scrollWidth;
  }

  clear() {
    const none = new Float32Array(0);
    Object.assign(this.data, { mel: none, logProbs: none, words: [], seconds: 0, samples: null });
    this.runs = [];
    this.top = 0;
    this.player.load(null);
    this.select(null);
    this.arrange();
  }

  // Another version of the sound. What plays goes on at the same place: so a slider is heard while it moves.
  load({ samples, clean }) {
    const { playing, time, samples: before } = this.player, ratio = before?.length ? samples.length / before.length : 0;
    this.player.load(samples, this.data.sampleRate, clean);
    this.player.time = ratio * time;
    if (this.selected) this.selected = { start: ratio * this.selected.start, end: ratio * this.selected.end };
    if (playing) this.play(this.player.time);
  }

  // Before another sound.
  stop() {
    this.pause();
    this.seek(0);
  }

  get classes() {
    return this.data.alphabet.length + 1;
  }

  // How far along a moment lies, in CSS pixels.
  at(seconds) {
    return seconds * this.scale;
  }

  // ---- layout

  arrange() {
    const { seconds, words, mel, samples } = this.data, wide = this.window.clientWidth;
    this.scale = Math.min(Math.max(PIXELS_PER_SECOND, wide / (seconds || 1)), MOST_PIXELS_PER_SECOND);
    this.track.style.width = `${Math.max(1, Math.ceil(this.at(seconds)))}px`;
    this.high = SPECTROGRAM + STRIP + this.classes * ROW;
    this.canvas.style.height = `${this.high}px`;
    this.playhead.style.height = `${this.high}px`;
    this.playhead.ariaValueMax = seconds.toFixed(1);
    this.playButton.disabled = this.loopButton.disabled = !samples?.length;
    this.playhead.hidden = !samples?.length;
    this.cleanButton.hidden = !this.player.clean;
    this.cleanButton.ariaPressed = String(this.player.hearsClean);
    const heard = words.map((word) => word.text).join(" ") || "nothing yet";
    const label = `Spectrogram and letters of ${seconds.toFixed(1)} seconds. Heard: ${heard}`;
    this.canvas.ariaLabel = mel.length ? label : "Nothing to see yet";
    this.placeWords();
    this.select(this.selected);
    this.moveTo(Math.min(this.player.time, seconds));
    this.draw();
  }

  // Words stand under their sound; a word that would cover its neighbour goes one row down.
  placeWords() {
    const ends = [], measure = this.canvas.getContext("2d");
    measure.font = "14px system-ui";
    this.words.replaceChildren(...this.data.words.map((word) => {
      const button = document.createElement("button"), left = this.at(word.start);
      button.type = "button";
      button.textContent = word.text;
      const doubt = word.probability < this.data.doubtful;
      button.classList.toggle("instrument-doubt", doubt);
      const sure = `right with a probability of ${Math.round(100 * word.probability)} %`;
      button.title = `${word.start.toFixed(2)} to ${word.end.toFixed(2)} s, ${sure}`;
      button.ariaLabel = `${word.text}, ${word.start.toFixed(1)} seconds${doubt ? ", in doubt" : ""}. Play`;
      button.style.left = `${left}px`;
      button.style.minWidth = `${this.at(word.end - word.start)}px`;
      button.onclick = () => this.playStretch(word.start, word.end);
      let row = ends.findIndex((end) => end <= left);
      if (row < 0) row = ends.length;
      ends[row] = left + Math.max(this.at(word.end - word.start), measure.measureText(word.text).width + 8) + 2;
      button.style.top = `${row * WORD_ROW}px`;
      return button;
    }));
    this.words.style.height = `${Math.max(1, ends.length) * WORD_ROW}px`;
  }

  makeLetters() {
    const signs = [...this.data.alphabet].map((letter) => (letter === " " ? SPACE : letter));
    this.letters.style.setProperty("--row", `${ROW}px`);
    this.letters.style.paddingTop = `${SPECTROGRAM + STRIP}px`;
    this.letters.replaceChildren(...[...signs, BLANK].map((sign, label) => {
      const option = document.createElement("div");
      option.role = "option";
      option.id = `instrument-letter-${label}`;
      option.textContent = sign;
      option.ariaLabel = { [SPACE]: "space", "'": "apostrophe", [BLANK]: "blank, no letter" }[sign] ?? sign;
      return option;
    }));
  }

  // ---- drawing

  draw() {
    const { canvas } = this, ratio = devicePixelRatio || 1, wide = Math.max(1, this.window.clientWidth);
    const style = getComputedStyle(this.host), colour = (name) => style.getPropertyValue(name).trim();
    const paper = colour("--quiet");
    const colours = heatColours([0, 1, 2, 3, 4].map((i) => colour(`--heat-${i}`)));
    canvas.style.width = `${wide}px`;
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(this.high * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.fillStyle = paper;
    context.fillRect(0, 0, wide, this.high);
    context.imageSmoothingEnabled = false;
    const { mel, mels, logProbs } = this.data, { classes } = this, under = SPECTROGRAM + STRIP;
    const loud = (t, y) => 1 + (mel[t * mels + mels - 1 - y] - this.top) / RANGE;
    const left = this.window.scrollLeft, right = left + wide;
    const upper = { columns: mel.length / mels, rows: mels, step: this.at(this.data.hopSeconds) };
    drawHeat(context, colours, loud, { ...upper, left, right, top: 0, height: SPECTROGRAM });
    // The square root shows a letter of a tenth, which is what the search still has to choose from.
    const probable = (t, y) => Math.exp(logProbs[t * classes + y] / 2);
    const lower = { columns: logProbs.length / classes, rows: classes, step: this.at(this.data.frameSeconds) };
    drawHeat(context, colours, probable, { ...lower, left, right, top: under, height: classes * ROW });
    this.drawStrip(context, colour("--ink"));
    this.drawLight(context, paper);
  }

  // The letters that are heard, each where it is.
  drawStrip(context, ink) {
    context.fillStyle = ink;
    context.font = "600 12px ui-monospace, monospace";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const run of this.runs) {
      const middle = this.at(this.secondsOf((run.first + run.end) / 2)) - this.window.scrollLeft;
      context.fillText(this.data.alphabet[run.label], middle, SPECTROGRAM + STRIP / 2);
    }
  }

  // Everything but the lit frames is dimmed: that is seen without telling colours apart.
  drawLight(context, paper) {
    if (!this.lit.length) return;
    context.fillStyle = paper;
    context.globalAlpha = 0.72;
    let dark = 0;
    for (const { first, end } of [...this.lit, { first: Infinity }]) {
      const from = this.at(this.secondsOf(dark)), to = this.at(Math.min(this.secondsOf(first), this.data.seconds));
      context.fillRect(from - this.window.scrollLeft, 0, Math.max(0, to - from), this.high);
      dark = end;
    }
    context.globalAlpha = 1;
  }

  secondsOf(frame) {
    return frame * this.data.frameSeconds;
  }

  // ---- light

  light(frames) {
    if (!frames.length && !this.lit.length) return;
    this.lit = frames;
    this.draw();
  }

  // All moments where `label` is heard.
  lightLetter(label) {
    const frames = framesOf(label, Math.log(CLEAR), this.data.logProbs, this.classes);
    [...this.letters.children].forEach((option, i) => (option.ariaSelected = String(i === label)));
    this.letters.setAttribute("aria-activedescendant", label < 0 ? "" : `instrument-letter-${label}`);
    this.light(label < 0 ? [] : frames.length ? frames : [{ first: 0, end: 0 }]);
    return frames;
  }

  // Says a letter's moments, for those who do not see them.
  tellLetter(label) {
    const frames = this.lightLetter(label), name = this.letters.children[label]?.ariaLabel;
    const moments = frames.slice(0, 8).map(({ first }) => this.secondsOf(first).toFixed(1));
    this.said.textContent = frames.length ? `${name}: at ${moments.join(", ")} seconds` : `${name}: nowhere`;
  }

  // The moment under the pointer, in seconds.
  timeAt(event) {
    const x = event.clientX - this.canvas.getBoundingClientRect().left + this.window.scrollLeft;
    return Math.max(0, Math.min(x / this.scale, this.data.seconds));
  }

  // What the pointer is over: a letter of the strip lights its own frames, a row all frames of its letter.
  hover(event) {
    const under = this.underSpectrogram(event);
    if (under >= STRIP) this.lightLetter(Math.min(this.classes - 1, Math.floor((under - STRIP) / ROW)));
    else if (under < 0) this.lightLetter(-1);
    else this.light(this.letterAt(event));
  }

  underSpectrogram(event) {
    return event.clientY - this.canvas.getBoundingClientRect().top - SPECTROGRAM;
  }

  // The frames of the letter in the strip that is nearest to the pointer, in a list; an empty list if it is elsewhere.
  letterAt(event) {
    const under = this.underSpectrogram(event), t = this.timeAt(event) / this.data.frameSeconds;
    const letters = this.runs.filter((run) => this.data.alphabet[run.label] !== " ");
    if (under < 0 || under >= STRIP || !letters.length) return [];
    const distance = (run) => Math.abs((run.first + run.end) / 2 - t);
    return [letters.reduce((best, each) => (distance(each) < distance(best) ? each : best))];
  }

  // ---- playing

  playStretch(start, end) {
    this.select({ start, end });
    this.play(start);
  }

  playFrames({ first, end }) {
    const last = this.secondsOf(end) + AROUND;
    this.playStretch(Math.max(0, this.secondsOf(first) - AROUND), Math.min(last, this.data.seconds));
  }

  // The stretch that plays alone, or null for all.
  select(stretch) {
    this.selected = stretch;
    this.selection.hidden = !stretch;
    if (!stretch) return;
    this.selection.style.left = `${this.at(stretch.start)}px`;
    this.selection.style.width = `${this.at(stretch.end - stretch.start)}px`;
  }

  play(from) {
    const { start, end } = this.selected ?? { start: 0, end: this.data.seconds };
    const looping = this.loopButton.ariaPressed === "true", inside = from >= start && from < end - 0.02;
    this.player.play(inside ? from : start, start, end, looping);
    this.playButton.textContent = "❚❚ Pause";
    this.follow();
  }

  pause() {
    this.player.pause();
    this.follow();
  }

  // Moves the playhead with the sound, once for each picture that the screen shows.
  follow() {
    this.moveTo(this.player.time);
    if (!this.player.playing) {
      this.playButton.textContent = "▶ Play";
      return;
    }
    const x = this.at(this.player.time) - this.window.scrollLeft;
    if (x < 0 || x > this.window.clientWidth * 0.9) this.window.scrollLeft += x - this.window.clientWidth * 0.1;
    requestAnimationFrame(() => this.follow());
  }

  moveTo(time) {
    const { seconds, words } = this.data, word = words.find((each) => each.start <= time && time < each.end);
    this.playhead.style.left = `${this.at(time)}px`;
    this.playhead.ariaValueNow = time.toFixed(2);
    this.playhead.ariaValueText = `${time.toFixed(1)} of ${seconds.toFixed(1)} seconds${word ? `, ${word.text}` : ""}`;
    this.timeOutput.textContent = seconds ? `${time.toFixed(1)} / ${seconds.toFixed(1)} s` : "";
    const now = this.player.playing ? words.indexOf(word) : -1;
    [...this.words.children].forEach((button, i) => (button.ariaCurrent = String(i === now)));
  }

  seek(time) {
    const playing = this.player.playing;
    this.select(null);
    this.player.time = Math.max(0, Math.min(time, this.data.seconds));
    if (playing) this.play(this.player.time);
    else this.moveTo(this.player.time);
  }

  listen() {
    const toggle = () => (this.player.playing ? this.pause() : this.play(this.player.time));
    this.playButton.onclick = toggle;
    this.loopButton.onclick = () => {
      this.loopButton.ariaPressed = String(this.loopButton.ariaPressed !== "true");
      if (this.player.playing) this.play(this.player.time);
    };
    this.cleanButton.onclick = () => {
      this.player.hearsClean = !this.player.hearsClean;
      this.cleanButton.ariaPressed = String(this.player.hearsClean);
      if (this.player.playing) this.play(this.player.time);
    };
    let pressed = 0, dragging = false;
    this.canvas.onpointerdown = (event) => (pressed = this.timeAt(event));
    this.canvas.onpointermove = (event) => {
      if (!event.buttons) return this.hover(event);
      const now = this.timeAt(event);
      dragging ||= event.pointerType === "mouse" && Math.abs(this.at(now - pressed)) > DRAG; // a finger scrolls
      if (dragging) this.select({ start: Math.min(pressed, now), end: Math.max(pressed, now) });
    };
    this.canvas.onclick = (event) => {
      if (!this.data.samples?.length) return;
      const [letter] = this.letterAt(event);
      if (dragging) this.play(this.selected.start);
      else if (letter) this.playFrames(letter);
      else {
        this.seek(this.timeAt(event));
        if (!this.player.playing) this.play(this.player.time);
      }
      dragging = false;
    };
    this.canvas.onpointerleave = () => this.lightLetter(-1);
    this.letters.onpointerover = ({ target }) => this.lightLetter([...this.letters.children].indexOf(target));
    this.letters.onpointerleave = this.letters.onblur = () => this.lightLetter(-1);
    this.letters.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const now = [...this.letters.children].findIndex((each) => each.ariaSelected === "true");
      if (!step && event.key !== "Enter") return;
      event.preventDefault();
      if (!step) this.lit[0]?.end && this.data.samples?.length && this.playFrames(this.lit[0]);
      else this.tellLetter(Math.max(0, Math.min(this.classes - 1, now + step)));
    };
    this.playhead.onkeydown = (event) => {
      const step = event.shiftKey ? 1 : 0.1, { time } = this.player;
      const to = { ArrowRight: time + step, ArrowLeft: time - step, Home: 0, End: this.data.seconds }[event.key];
      if (to === undefined && event.key !== " ") return;
      event.preventDefault();
      if (event.key === " ") toggle();
      else this.seek(to);
    };
    this.window.onscroll = () => this.draw();
    new ResizeObserver(() => this.arrange()).observe(this.window);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }
}
