// What the instrument's canvas shows: spectrograms, then the letters that are heard, all letters over time, and seconds.

import { drawHeat, heatColours } from "./heat.js";

export const STRIP = 24; // height of the letters that are heard, in CSS pixels
export const ROW = 12; // of one letter over time
const SECONDS = 16, SPECTROGRAM = 150;
const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]; // seconds from one to the next
const TICK_WIDTH = 60; // pixels, at least

export class Picture {
  constructor(canvas) {
    Object.assign(this, { canvas, context: canvas.getContext("2d"), parts: [], high: 0 });
  }

  // Stacks `spectrograms` and, if there are `classes`, the letters. Each spectrogram is {values, rows, hopSeconds, low,
  // high}: numbers (columns, rows), the lowest row first, and those for the first and the last colour.
  arrange(spectrograms, classes) {
    let top = 0;
    this.parts = spectrograms.map((each) => {
      const part = { ...each, top, height: each.height ?? SPECTROGRAM };
      top += part.height + 1;
      return part;
    });
    this.strip = top - 1;
    this.letters = this.strip + (classes ? STRIP : 0);
    this.seconds = this.letters + classes * ROW;
    this.high = this.seconds + SECONDS;
    this.canvas.style.height = `${this.high}px`;
  }

  // Draws the part from `left` to `left + wide`. `scale` is pixels per second; `lit` are the frames that are not dimmed,
  // all of them if there are none.
  draw({ logProbs, classes, frameSeconds, seconds, runs, alphabet }, { left, wide, scale, lit }, colour) {
    const { canvas, context } = this, ratio = devicePixelRatio || 1, right = left + wide;
    canvas.style.width = `${wide}px`;
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(this.high * ratio);
    context.scale(ratio, ratio);
    context.fillStyle = colour("--quiet");
    context.fillRect(0, 0, wide, this.high);
    context.imageSmoothingEnabled = false;
    const colours = heatColours([0, 1, 2, 3, 4].map((i) => colour(`--heat-${i}`)));
    for (const { values, rows, hopSeconds, low, high, top, height } of this.parts) {
      const value = (t, y) => (values[t * rows + rows - 1 - y] - low) / (high - low);
      const place = { columns: values.length / rows, rows, step: scale * hopSeconds, left, right, top, height };
      drawHeat(context, colours, value, place);
    }
    if (logProbs.length && this.seconds > this.letters) {
      // The square root shows a letter of a tenth, which is what the search still has to choose from.
      const probable = (t, y) => Math.exp(logProbs[t * classes + y] / 2);
      const place = { columns: logProbs.length / classes, rows: classes, step: scale * frameSeconds, left, right };
      drawHeat(context, colours, probable, { ...place, top: this.letters, height: classes * ROW });
      this.drawLetters(runs, alphabet, (frame) => scale * frameSeconds * frame - left, colour("--ink"));
    }
    this.drawSeconds(seconds, { left, right, scale }, colour("--faint"));
    this.dim(lit, (frame) => scale * Math.min(frameSeconds * frame, seconds) - left, colour("--quiet"));
  }

  // The letters that are heard, each where it is.
  drawLetters(runs, alphabet, x, ink) {
    const { context } = this;
    context.fillStyle = ink;
    context.font = "600 12px ui-monospace, monospace";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const run of runs) context.fillText(alphabet[run.label], x((run.first + run.end) / 2), this.strip + STRIP / 2);
  }

  drawSeconds(seconds, { left, right, scale }, ink) {
    const { context } = this, every = TICKS.find((each) => each * scale >= TICK_WIDTH) ?? TICKS.at(-1);
    context.fillStyle = ink;
    context.font = "11px system-ui";
    context.textBaseline = "middle";
    for (let i = Math.ceil(left / scale / every); i * every <= Math.min(right / scale, seconds); i++) {
      const x = scale * i * every - left;
      context.fillRect(x, this.seconds, 1, 4);
      context.textAlign = x < 12 ? "left" : "center";
      context.fillText(i ? `${Number((i * every).toFixed(1))}` : "0 s", x, this.seconds + SECONDS / 2 + 2);
    }
  }

  // Everything but the lit frames is dimmed: that is seen without telling colours apart.
  dim(lit, x, paper) {
    if (!lit.length) return;
    this.context.fillStyle = paper;
    this.context.globalAlpha = 0.72;
    let dark = 0;
    for (const { first, end } of [...lit, { first: Infinity }]) {
      this.context.fillRect(x(dark), 0, Math.max(0, x(first) - x(dark)), this.seconds);
      dark = end;
    }
    this.context.globalAlpha = 1;
  }
}
