// CTC's trellis: a row for each state, a column for each frame, an arrow for each step that a way may take. The page
// shows it for a word among its letters. Notebook 05 shows it for so few frames that all ways can be listed.

import { allPaths, lattice, shares } from "./lattice.js";
import { stepper } from "./stepper.js";
import { LEGEND, TrellisPicture, short } from "./trellis_picture.js";

const PARTS = `
  <div class="trellis-window" tabindex="0" role="group" aria-label="The trellis; it scrolls"></div>
  <p class="trellis-legend">${LEGEND}</p><div></div><div></div>`;

// Shows in `host` how `text` may be written in `logProbs` (frames, classes). `alphabet` is a list of letters, and the
// blank is the class after the last, with the sign `blank`. `seconds` is the moment of the first frame, `frameSeconds`
// a frame's length. With `listed`, frames are numbered, a node holds its sum, and one may go through all ways, or drag
// one. Returns a function that shows other data in the same place.
export function trellis(host, data) {
  host.classList.add("trellis");
  host.innerHTML = PARTS;
  const [view, , frameHost, pathHost] = host.children;
  let shown, ways, picture, now = 0, touched = null; // the node whose sum is spelt out, if it is not on the way

  const goFrame = stepper(frameHost, "Frame", "Frame of the trellis", (frame) => {
    if (frame !== now) touched = null;
    now = frame;
    picture.draw(now);
    const x = picture.x(now), seen = x - view.scrollLeft, { left, column } = picture.size;
    if (seen < left || seen > view.clientWidth - column) view.scrollLeft = x - view.clientWidth / 2;
    if (!shown.listed) return sentence(shown, ways, now);
    return sumSentence(shown, ways, touched?.t <= now ? touched : { t: now, s: ways.path[now] }, now);
  });
  const goPath = data.listed && stepper(pathHost, "Path", "Path of the trellis", (number) => {
    if (ways.path !== ways.paths[number]) touched = null;
    ways.path = ways.paths[number];
    goFrame(now, ways.frames);
    return pathSentence(shown, ways, number);
  });

  const use = (next) => {
    const labels = [...next.text].map((letter) => next.alphabet.indexOf(letter));
    shown = next;
    ways = lattice(next.logProbs, next.alphabet.length + 1, labels);
    if (next.listed) ways.paths = allPaths(ways);
    if (next.listed && !ways.paths.length) {
      view.textContent = `${ways.frames} frames are too few for ${next.text}.`;
      frameHost.hidden = pathHost.hidden = true;
      return;
    }
    const size = `${ways.size} states, ${ways.frames} frames`;
    const alt = `Trellis of ${next.text}: ${size}. Best way: ${spelled(next, ways, ways.path)}`;
    picture = new TrellisPicture(view, ways, { alt, sign: (label) => sign(next, label), ...next });
    now = next.listed ? 0 : ways.frames - 1;
    if (next.listed) goPath(0, ways.paths.length);
    else goFrame(now, ways.frames);
  };

  // To the way through a node that has most in common with the one that is shown.
  const pull = (t, s) => {
    const unlike = (way) => way.reduce((sum, state, i) => sum + Math.abs(state - ways.path[i]), 0);
    const through = ways.paths.filter((way) => way[t] === s);
    const nearest = through.reduce((best, way) => (unlike(way) < unlike(best) ? way : best));
    goPath(ways.paths.indexOf(nearest), ways.paths.length);
    touched = { t, s };
    goFrame(now, ways.frames);
  };
  view.onpointerdown = view.onpointermove = (event) => {
    if (!event.buttons || !picture) return;
    if (!shown.listed) return goFrame(Math.max(0, Math.min(picture.frameAt(event), ways.frames - 1)), ways.frames);
    const node = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-node]");
    if (node && view.contains(node)) pull(...node.dataset.node.split(",").map(Number));
  };
  use(data);
  return use;
}

const sign = ({ alphabet, blank = "–" }, label) => alphabet[label]?.replace(" ", "␣") ?? blank;
const spelled = (data, { classOf }, path) => [...path].map((state) => sign(data, classOf[state])).join("");

// ---- all ways at once

function sentence(data, ways, t) {
  const moment = (data.seconds + t * data.frameSeconds).toFixed(2), all = shares(ways, t);
  const first = all.indexOf(Math.max(...all));
  const name = first % 2 ? sign(data, ways.classOf[first]) : "a blank";
  const share = Math.round(100 * all[first]);
  const begin = `Frame ${t + 1} of ${ways.frames}, ${moment} s: ${share} % of all ways so far are in ${name}.`;
  if (t < ways.frames - 1) return begin;
  const best = Math.round(100 * Math.exp(ways.best - ways.total));
  return `${begin} All ways together: ln P = ${ways.total.toFixed(1)}. The best one alone has ${best} % of that.`;
}

// ---- one way after another

const probability = (ways, t, s) => Math.exp(ways.here(t, s));
const product = (ways, path) => path.reduce((worth, s, t) => worth * probability(ways, t, s), 1);

function sumSentence(data, ways, { t, s }, now) {
  const before = [0, 1, 2].slice(0, ways.maySkip(s) ? 3 : 2).map((step) => s - step).filter((from) => from >= 0);
  const came = t ? before.map((from) => Math.exp(ways.forward[(t - 1) * ways.size + from])).filter(Boolean) : [];
  const sum = t ? `(${came.map(short).join(" + ")}) × ${short(probability(ways, t, s))} = ` : "";
  const node = `Node ${sign(data, ways.classOf[s])} in frame ${t + 1}`;
  const reached = Math.exp(ways.forward[t * ways.size + s]);
  const end = now < ways.frames - 1 ? "" : ` The last two nodes: P(${data.text}) = ${Math.exp(ways.total).toFixed(6)}.`;
  return `Sums up to frame ${now + 1} of ${ways.frames}. ${node}: ${sum}${short(reached)}.${end}`;
}

function pathSentence(data, ways, number) {
  const path = ways.paths[number], factors = path.map((s, t) => short(probability(ways, t, s))).join(" × ");
  const soFar = ways.paths.slice(0, number + 1).reduce((sum, each) => sum + product(ways, each), 0);
  const way = `Path ${number + 1} of ${ways.paths.length}, ${[...spelled(data, ways, path)].join(" ")}: `;
  return `${way}${factors} = ${short(product(ways, path))}. Paths 1 to ${number + 1} add up to ${soFar.toFixed(6)}.`;
}
