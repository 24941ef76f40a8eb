// CTC's trellis for a short stretch: a row for each state, a column for each frame, an arrow for each step that a way
// may take.

import { lattice, logAdd } from "./lattice.js";
import { stepper } from "./stepper.js";

const ROW = 24, COLUMN = 30, LEFT = 30, TOP = 22, LARGEST = 9; // CSS pixels; LARGEST is the radius of a certain state
const SMALLEST = 1.5;

// Shows in `host` how `text` may be written in `logProbs` (frames, classes). `alphabet` is a list of letters, and the
// blank is the class after the last; `seconds` is the moment of the first frame, `frameSeconds` a frame's length.
// Returns a function that shows other data in the same place.
export function trellis(host, data) {
  host.classList.add("trellis");
  host.innerHTML = `<div class="trellis-window" tabindex="0" role="group" aria-label="The trellis; it scrolls">
      <canvas role="img"></canvas></div><div></div>`;
  const canvas = host.querySelector("canvas"), view = canvas.parentElement;
  let shown, ways, at = 0;

  const show = (frame) => {
    at = frame;
    draw(canvas, shown, ways, at);
    const x = LEFT + at * COLUMN;
    const seen = x - view.scrollLeft;
    if (seen < LEFT || seen > view.clientWidth - COLUMN) view.scrollLeft = x - view.clientWidth / 2;
    return sentence(shown, ways, at);
  };
  const go = stepper(host.lastElementChild, "Frame of the trellis", show);
  const use = (next) => {
    const labels = [...next.text].map((letter) => next.alphabet.indexOf(letter));
    shown = next;
    ways = lattice(next.logProbs, next.alphabet.length + 1, labels);
    const size = `${ways.size} states, ${ways.frames} frames`;
    canvas.ariaLabel = `Trellis of ${next.text}: ${size}. Best way: ${spelled(shown, ways)}`;
    go(ways.frames - 1, ways.frames);
  };
  const drag = ({ buttons, clientX }) => {
    if (!buttons) return;
    const frame = Math.floor((clientX - canvas.getBoundingClientRect().left - LEFT) / COLUMN);
    go(Math.max(0, Math.min(frame, ways.frames - 1)), ways.frames);
  };
  canvas.onpointerdown = canvas.onpointermove = drag;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(canvas, shown, ways, at));
  use(data);
  return use;
}

const sign = ({ alphabet }, label) => (label === alphabet.length ? "–" : alphabet[label].replace(" ", "␣"));
const spelled = (data, ways) => [...ways.path].map((state) => sign(data, ways.classOf[state])).join("");

// The share of all ways so far that are in a state now.
function shares(ways, t) {
  const row = ways.forward.subarray(t * ways.size, (t + 1) * ways.size), sum = row.reduce(logAdd, -Infinity);
  return Array.from(row, (value) => (sum === -Infinity ? 0 : Math.exp(value - sum)));
}

function sentence(data, ways, t) {
  const moment = (data.seconds + t * data.frameSeconds).toFixed(2), all = shares(ways, t);
  const first = all.indexOf(Math.max(...all)), label = sign(data, ways.classOf[first]);
  const name = label === "–" ? "a blank" : label;
  const share = Math.round(100 * all[first]);
  const begin = `Frame ${t + 1} of ${ways.frames}, ${moment} s: ${share} % of all ways so far are in ${name}.`;
  if (t < ways.frames - 1) return begin;
  const best = Math.round(100 * Math.exp(ways.best - ways.total));
  return `${begin} All ways together: ln P = ${ways.total.toFixed(1)}. The best one alone has ${best} % of that.`;
}

function draw(canvas, data, ways, now) {
  const ratio = devicePixelRatio || 1, wide = LEFT + ways.frames * COLUMN, high = TOP + ways.size * ROW;
  const style = getComputedStyle(canvas), [ink, faint, mark, paper] = ["--ink", "--faint", "--mark", "--paper"].map(
    (name) => style.getPropertyValue(name).trim());
  Object.assign(canvas.style, { width: `${wide}px`, height: `${high}px` });
  Object.assign(canvas, { width: Math.round(wide * ratio), height: Math.round(high * ratio) });
  const context = canvas.getContext("2d"), x = (t) => LEFT + (t + 0.5) * COLUMN, y = (s) => TOP + (s + 0.5) * ROW;
  context.scale(ratio, ratio);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = "600 13px ui-monospace, monospace";
  context.fillStyle = ink;
  ways.classOf.forEach((label, s) => context.fillText(sign(data, label), LEFT / 2, y(s)));
  context.font = "11px system-ui";
  context.fillStyle = faint;
  for (let t = 0; t < ways.frames; t += 5) {
    context.fillText((data.seconds + t * data.frameSeconds).toFixed(2), x(t), TOP / 2);
  }
  const possible = (t, s) => ways.forward[t * ways.size + s] + ways.backward[t * ways.size + s] > -Infinity;
  const arrow = (t, s, step, colour, width) => {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = width;
    const [x0, y0, x1, y1] = [x(t - 1), y(s - step), x(t), y(s)], length = Math.hypot(x1 - x0, y1 - y0);
    const [dx, dy] = [(x1 - x0) / length, (y1 - y0) / length], end = length - 5;
    context.beginPath();
    context.moveTo(x0 + 5 * dx, y0 + 5 * dy);
    context.lineTo(x0 + end * dx, y0 + end * dy);
    context.stroke();
    context.beginPath();
    context.moveTo(x0 + end * dx, y0 + end * dy);
    context.lineTo(x0 + (end - 6) * dx - 3 * dy, y0 + (end - 6) * dy + 3 * dx);
    context.lineTo(x0 + (end - 6) * dx + 3 * dy, y0 + (end - 6) * dy - 3 * dx);
    context.fill();
  };
  for (let t = 1; t < ways.frames; t++) {
    for (let s = 0; s < ways.size; s++) {
      for (let step = 0; step <= (ways.maySkip(s) ? 2 : 1) && step <= s; step++) {
        if (!possible(t - 1, s - step) || !possible(t, s)) continue;
        context.globalAlpha = t <= now ? 0.4 : 0.12;
        arrow(t, s, step, faint, 1);
      }
    }
  }
  context.globalAlpha = 1;
  for (let t = 1; t <= now; t++) arrow(t, ways.path[t], ways.path[t] - ways.path[t - 1], mark, 3);
  for (let t = 0; t < ways.frames; t++) {
    shares(ways, t).forEach((share, s) => {
      if (!possible(t, s)) return;
      const radius = t <= now ? Math.max(SMALLEST, LARGEST * Math.sqrt(share)) : SMALLEST;
      context.beginPath();
      context.arc(x(t), y(s), radius, 0, 2 * Math.PI);
      context.fillStyle = t <= now ? ink : faint;
      context.fill();
      if (t > now || ways.path[t] !== s) return;
      context.lineWidth = 2; // a ring, for those who see no colours
      context.strokeStyle = paper;
      context.stroke();
      context.lineWidth = 2.5;
      context.strokeStyle = mark;
      context.beginPath();
      context.arc(x(t), y(s), radius + 2, 0, 2 * Math.PI);
      context.stroke();
    });
  }
  context.strokeStyle = mark;
  context.setLineDash([3, 3]);
  context.lineWidth = 1;
  context.strokeRect(x(now) - COLUMN / 2, TOP, COLUMN, ways.size * ROW);
  context.setLineDash([]);
}
