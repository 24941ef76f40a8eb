// The instrument: a spectrogram that plays, the network's letters over time under it, and the words under those.
//
// It recognises nothing and loads nothing: numbers come in, so that the page and the notebooks can both use it.
// Colours are instrument.css's. The picture is as wide as the sound is long; only the visible part is ever drawn.

import { hzToMel } from "./features.js";
import { framesOf, letterRuns } from "./letter_frames.js";
import { LetterList } from "./letter_list.js";
import { Picture, ROW, STRIP } from "./picture.js";
import { Player } from "./player.js";
import { isDark, watchTheme } from "./theme.js";
import { WordRow } from "./word_row.js";

const PIXELS_PER_SECOND = 180; // at least: a short word then has room for its letters
const MOST_PIXELS_PER_SECOND = 420;
const RANGE = 10; // nats between the darkest and the brightest colour, 43 dB
const KILOHERTZ = [8, 4, 2, 1, 0.5]; // beside the spectrogram
const DRAG = 5; // pixels that a mouse moves before a click becomes a stretch
const CLEAR = 0.1; // probability from which a letter's frames light up
const AROUND = 0.06; // seconds before and after a letter that are heard with it: its frames alone are a click

const PARTS = `
  <div class="instrument-bar">
    <button class="instrument-play" type="button">▶ Play</button>
    <button class="instrument-loop" type="button" aria-pressed="false" title="Repeat">⟳ Loop</button>
    <span class="instrument-versions" role="group" aria-label="Which sound is heard and shown" hidden>
      <button type="button" aria-pressed="false">A as recorded</button><button
        type="button" aria-pressed="true">B changed</button>
    </span>
    <output class="instrument-time"></output>
  </div>
  <div class="instrument-body">
    <div class="instrument-side">
      <div class="instrument-axis" aria-hidden="true"></div>
      <div class="instrument-letters" role="listbox" tabindex="0"
        aria-label="Letters. Choose one with the arrow keys: the moments where the network hears it light up. Enter
          plays the first one."></div>
    </div>
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
  <p class="instrument-hint">Tap the picture to play from there.<span class="instrument-with-letters"> Tap a word, or a
    letter under the upper picture, to hear it alone.</span> Drag the mouse to hear a part.<span
    class="instrument-with-letters"> Point at a letter to see where it is heard.</span></p>
  <p class="instrument-said" role="status"></p>`;

export class Instrument {
  constructor(host) {
    host.classList.add("instrument");
    host.innerHTML = PARTS;
    const part = (name) => host.querySelector(`.instrument-${name}`);
    for (const name of ["window", "track", "playhead", "selection", "said", "axis", "versions"]) this[name] = part(name);
    Object.assign(this, { playButton: part("play"), loopButton: part("loop"), timeOutput: part("time"), host });
    [this.recordedButton, this.changedButton] = this.versions.children;
    for (const each of host.querySelectorAll("button, [tabindex]")) each.dataset.lmSuppressShortcuts = "true";
    this.picture = new Picture(host.querySelector("canvas"));
    this.player = new Player();
    this.words = new WordRow(part("words"), ({ start, end }) => this.playStretch(start, end));
    this.letters = new LetterList(part("letters"), {
      light: (label) => this.lightLetter(label),
      tell: (label) => this.tellLetter(label),
      play: () => this.lit[0]?.end && this.data.samples?.length && this.playFrames(this.lit[0]),
    });
    this.changed = { alphabet: [], mels: 1 }; // what is shown, unless `recorded` is
    this.lit = []; // frames that light up: {first, end}
    this.selected = null;
    this.listen();
    this.clear();
  }

  // Everything at once; what is not given stays as it was. `mel` (frames, mels) are natural logarithms of powers, or
  // `pictures` are several spectrograms, see picture.js, with their own colours and `ticks` [[share of the height,
  // text]]. `logProbs` (frames, letters + 1) have the blank last, `words` are [{text, start, end, probability}] in
  // seconds; those less probable than `doubtful` are underlined. `recorded` is null or {samples, mel, logProbs, words,
  // seconds} before something changed them: then one can go to and fro between the two. `follow` keeps the end in view.
  show({ recorded, ...data }, follow = false) {
    Object.assign(this.changed, data);
    if (recorded !== undefined) this.recorded = recorded;
    if (!this.recorded) this.hearsRecorded = false;
    this.refresh();
    if (follow) this.window.scrollLeft = this.track.scrollWidth;
  }

  clear() {
    const none = new Float32Array(0);
    this.player.load(null);
    this.select(null);
    this.show({ mel: none, logProbs: none, words: [], seconds: 0, samples: null, recorded: null });
  }

  // Takes up the version that is to be shown.
  refresh() {
    this.data = { ...this.changed, ...(this.hearsRecorded ? this.recorded : null) };
    this.top = loudest((this.recorded ?? this.data).mel ?? this.data.mel);
    if (this.data.samples !== this.player.samples) this.load(this.data.samples);
    this.runs = letterRuns(this.data.logProbs, this.classes);
    this.light([]);
    this.arrange();
  }

  // Another version of the sound. What plays goes on at the same place: so a slider is heard while it moves.
  load(samples) {
    const { playing, time, samples: before } = this.player;
    const ratio = before?.length && samples ? samples.length / before.length : 0;
    this.player.load(samples, this.data.sampleRate);
    this.player.time = ratio * time;
    if (this.selected) this.selected = { start: ratio * this.selected.start, end: ratio * this.selected.end };
    if (playing) this.play(this.player.time);
  }

  // Before another sound.
  stop() {
    this.pause();
    this.seek(0);
  }

  // For good.
  remove() {
    this.player.close();
    this.resized.disconnect();
    this.unwatch();
  }

  get classes() {
    return this.data.alphabet.length + 1;
  }

  get spectrograms() {
    const { pictures, mel, mels, hopSeconds, sampleRate } = this.data;
    if (pictures) return pictures;
    const low = this.top - RANGE, high = this.top, ticks = melTicks(mels, sampleRate);
    return [{ values: mel, rows: mels, hopSeconds, low, high, ticks }];
  }

  // How far along a moment lies, in CSS pixels.
  at(seconds) {
    return seconds * this.scale;
  }

  // ---- layout

  arrange() {
    const { seconds, words, samples, alphabet, doubtful } = this.data, wide = this.window.clientWidth;
    const spectrograms = this.spectrograms, withLetters = alphabet.length > 0;
    this.scale = Math.min(Math.max(PIXELS_PER_SECOND, wide / (seconds || 1)), MOST_PIXELS_PER_SECOND);
    this.picture.arrange(spectrograms, withLetters ? this.classes : 0);
    if (this.listed !== `${alphabet} ${this.picture.letters}`) this.letters.make(alphabet, this.picture.letters);
    this.listed = `${alphabet} ${this.picture.letters}`;
    this.host.classList.toggle("instrument-no-letters", !withLetters);
    this.placeTicks();
    this.track.style.width = `${Math.max(1, Math.ceil(this.at(seconds)))}px`;
    this.playhead.style.height = `${this.picture.seconds}px`;
    this.playhead.ariaValueMax = seconds.toFixed(1);
    this.playButton.disabled = this.loopButton.disabled = !samples?.length;
    this.playhead.hidden = !samples?.length;
    this.versions.hidden = !this.recorded;
    this.recordedButton.ariaPressed = String(Boolean(this.hearsRecorded));
    this.changedButton.ariaPressed = String(!this.hearsRecorded);
    const heard = words.map((word) => word.text).join(" ") || "nothing yet";
    const label = `Spectrogram${withLetters ? " and letters" : ""} of ${seconds.toFixed(1)} seconds. Heard: ${heard}`;
    this.picture.canvas.ariaLabel = spectrograms[0].values.length ? label : "Nothing to see yet";
    this.words.place(words, doubtful, (moment) => this.at(moment));
    this.select(this.selected);
    this.moveTo(Math.min(this.player.time, seconds));
    this.draw();
  }

  // The frequencies beside each spectrogram.
  placeTicks() {
    const tick = ({ top, height }, [share, text]) => {
      const made = document.createElement("span");
      made.textContent = text;
      made.style.top = `${top + Math.max(6, Math.min((1 - share) * height, height - 6))}px`;
      return made;
    };
    const { parts } = this.picture;
    this.axis.replaceChildren(...parts.flatMap((part) => (part.ticks ?? []).map((each) => tick(part, each))));
  }

  draw() {
    this.host.classList.toggle("instrument-dark", isDark());
    const style = getComputedStyle(this.host), { scale, lit, runs, classes } = this;
    const place = { left: this.window.scrollLeft, wide: Math.max(1, this.window.clientWidth), scale, lit };
    this.picture.draw({ ...this.data, classes, runs }, place, (name) => style.getPropertyValue(name).trim());
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
    this.letters.select(label);
    this.light(label < 0 ? [] : frames.length ? frames : [{ first: 0, end: 0 }]);
    return frames;
  }

  // Says a letter's moments, for those who do not see them.
  tellLetter(label) {
    const frames = this.lightLetter(label), name = this.letters.name(label);
    const moments = frames.slice(0, 8).map(({ first }) => this.secondsOf(first).toFixed(1));
    this.said.textContent = frames.length ? `${name}: at ${moments.join(", ")} seconds` : `${name}: nowhere`;
  }

  // The moment under the pointer, in seconds.
  timeAt(event) {
    const x = event.clientX - this.picture.canvas.getBoundingClientRect().left + this.window.scrollLeft;
    return Math.max(0, Math.min(x / this.scale, this.data.seconds));
  }

  // What the pointer is over: a letter of the strip lights its own frames, a row all frames of its letter.
  hover(event) {
    const y = this.heightAt(event), { strip, letters, seconds } = this.picture;
    if (y >= letters && y < seconds) this.lightLetter(Math.min(this.classes - 1, Math.floor((y - letters) / ROW)));
    else if (y < strip || y >= seconds) this.lightLetter(-1);
    else this.light(this.letterAt(event));
  }

  heightAt(event) {
    return event.clientY - this.picture.canvas.getBoundingClientRect().top;
  }

  // The frames of the letter in the strip that is nearest to the pointer, in a list; an empty list if it is elsewhere.
  letterAt(event) {
    const under = this.heightAt(event) - this.picture.strip, t = this.timeAt(event) / this.data.frameSeconds;
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
    this.words.mark(this.player.playing ? words.indexOf(word) : -1);
  }

  seek(time) {
    const playing = this.player.playing;
    this.select(null);
    this.player.time = Math.max(0, Math.min(time, this.data.seconds));
    if (playing) this.play(this.player.time);
    else this.moveTo(this.player.time);
  }

  hear(recorded) {
    this.hearsRecorded = recorded;
    this.refresh();
  }

  listen() {
    const { canvas } = this.picture;
    const toggle = () => (this.player.playing ? this.pause() : this.play(this.player.time));
    this.playButton.onclick = toggle;
    this.loopButton.onclick = () => {
      this.loopButton.ariaPressed = String(this.loopButton.ariaPressed !== "true");
      if (this.player.playing) this.play(this.player.time);
    };
    this.recordedButton.onclick = () => this.hear(true);
    this.changedButton.onclick = () => this.hear(false);
    let pressed = 0, dragging = false;
    canvas.onpointerdown = (event) => (pressed = this.timeAt(event));
    canvas.onpointermove = (event) => {
      if (!event.buttons) return this.hover(event);
      const now = this.timeAt(event);
      dragging ||= event.pointerType === "mouse" && Math.abs(this.at(now - pressed)) > DRAG; // a finger scrolls
      if (dragging) this.select({ start: Math.min(pressed, now), end: Math.max(pressed, now) });
    };
    canvas.onclick = (event) => {
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
    canvas.onpointerleave = () => this.lightLetter(-1);
    this.playhead.onkeydown = (event) => {
      const step = event.shiftKey ? 1 : 0.1, { time } = this.player;
      const to = { ArrowRight: time + step, ArrowLeft: time - step, Home: 0, End: this.data.seconds }[event.key];
      if (to === undefined && event.key !== " ") return;
      event.preventDefault();
      if (event.key === " ") toggle();
      else this.seek(to);
    };
    this.window.onscroll = () => this.draw();
    this.resized = new ResizeObserver(() => this.arrange());
    this.resized.observe(this.window);
    // In the next frame: JupyterLab hides its pages while it changes the theme, and nothing has a width until then.
    this.unwatch = watchTheme(() => requestAnimationFrame(() => this.draw()));
  }
}

const loudest = (mel) => mel.reduce((most, value) => Math.max(most, value), -Infinity);

// The frequencies beside `mels` mel bins: [share of the height, text].
export function melTicks(mels, rate) {
  const share = (hz) => ((hzToMel(hz) / hzToMel(rate / 2)) * (mels + 1) - 0.5) / mels;
  return KILOHERTZ.map((each, i) => [share(1000 * each), i ? `${each}` : `${each} kHz`]);
}
