// How a trellis looks: dots as large as their share of the ways, or, where ways are listed, nodes that hold their sums.

import { shares } from "./lattice.js";

// In CSS pixels; every fifth frame has a label.
const DOTS = { row: 24, column: 30, left: 30, top: 22, radius: 9, every: 5 };
const NODES = { row: 64, column: 116, left: 60, top: 30, radius: 29, every: 1 };
const SMALLEST = 1.5; // radius
const TIP = 5; // of an arrow
const KINDS = ["stay", "step", "skip"]; // by how many states an arrow goes on
const NAMES = ["stay", "step", "skip a blank"];

export const short = (value) => (value ? String(Number(value.toPrecision(2))).replace(/^0/, "") : "");

const tipped = (kind, x, y, across, along) => {
  const [dx, dy] = [across, along].map((each) => (TIP * each) / Math.hypot(across, along));
  const back = [x - 1.6 * dx, y - 1.6 * dy], corner = (sign) => `${back[0] - sign * dy} ${back[1] + sign * dx}`;
  return `<path class="trellis-tip trellis-${kind}" d="M${x} ${y}L${corner(0.8)}L${corner(-0.8)}z"/>`;
};
export const LEGEND = KINDS.map((kind, i) => {
  const line = `<path class="trellis-line trellis-${kind}" d="M0 6H32"/>${tipped(kind, 38, 6, 1, 0)}`;
  return `<svg width="40" height="12" aria-hidden="true">${line}</svg> ${NAMES[i]}`;
}).join(" &nbsp; ");

export class TrellisPicture {
  // Puts it into `view`. `sign` is what to call a class; see trellis.js for the others.
  constructor(view, ways, { alt, sign, listed, seconds, frameSeconds }) {
    const size = (this.size = listed ? NODES : DOTS), { frames, classOf } = ways;
    Object.assign(this, { ways, listed });
    const wide = size.left + frames * size.column, high = size.top + ways.size * size.row;
    const label = (t) => (listed ? `frame ${t + 1}` : (seconds + t * frameSeconds).toFixed(2));
    const labels = Array.from({ length: frames }, (_, t) => (t % size.every ? "" :
      `<text class="trellis-label" x="${this.x(t)}" y="${size.top / 2}">${label(t)}</text>`));
    const nodes = this.nodes().map(([t, s]) => {
      const circle = `<circle cx="${this.x(t)}" cy="${this.y(s)}" r="${size.radius}"/>`;
      return `<g class="trellis-node" data-t="${t}" data-node="${t},${s}">${circle}
        <text x="${this.x(t)}" y="${this.y(s)}"></text></g>`;
    });
    view.innerHTML = `<svg role="img" viewBox="0 0 ${wide} ${high}" width="${wide}" height="${high}">
      <g class="trellis-names"></g>${labels.join("")}${this.arrows().join("")}<polyline class="trellis-path"/>
      ${nodes.join("")}
      <rect class="trellis-now" y="${size.top}" width="${size.column}" height="${high - size.top - 1}"/></svg>`;
    this.svg = view.firstChild;
    this.svg.ariaLabel = alt;
    this.svg.classList.toggle("trellis-listed", Boolean(listed));
    const names = this.svg.querySelector(".trellis-names");
    classOf.forEach((each, s) => {
      const name = document.createElementNS(this.svg.namespaceURI, "text");
      name.textContent = sign(each); // of an alphabet from outside: never as HTML
      name.setAttribute("x", size.left / 2);
      name.setAttribute("y", this.y(s));
      names.append(name);
    });
    this.path = this.svg.querySelector(".trellis-path");
    this.frame = this.svg.querySelector(".trellis-now");
    this.timed = [...this.svg.querySelectorAll("[data-t]")];
    this.circles = [...this.svg.querySelectorAll(".trellis-node")];
  }

  x(t) {
    return this.size.left + (t + 0.5) * this.size.column;
  }

  y(s) {
    return this.size.top + (s + 0.5) * this.size.row;
  }

  frameAt({ clientX }) {
    return Math.floor((clientX - this.svg.getBoundingClientRect().left - this.size.left) / this.size.column);
  }

  // Where some way leads.
  possible(t, s) {
    const { forward, backward, size, paths } = this.ways;
    if (this.listed) return paths.some((path) => path[t] === s);
    return forward[t * size + s] + backward[t * size + s] > -Infinity;
  }

  nodes() {
    const all = Array.from({ length: this.ways.frames * this.ways.size }, (_, i) => i);
    const pairs = all.map((i) => [Math.floor(i / this.ways.size), i % this.ways.size]);
    return pairs.filter(([t, s]) => this.possible(t, s));
  }

  arrows() {
    const { size, ways } = this, gap = this.listed ? size.radius : 5;
    return this.nodes().flatMap(([t, s]) => KINDS.slice(0, ways.maySkip(s) ? 3 : 2).map((kind, step) => {
      if (!t || step > s || !this.possible(t - 1, s - step)) return "";
      const [across, along] = [size.column, step * size.row], share = gap / Math.hypot(across, along);
      const begin = `${this.x(t - 1) + share * across} ${this.y(s - step) + share * along}`;
      const [x, y] = [this.x(t) - share * across, this.y(s) - share * along], tip = tipped(kind, x, y, across, along);
      const line = `<path class="trellis-line trellis-${kind}" d="M${begin}L${x} ${y}"/>`;
      return `<g data-t="${t}" data-to="${s}">${line}${tip}</g>`;
    }));
  }

  // What is later than the frame `now` is faint. The way is `ways.path`: where ways are listed, all of it is shown.
  draw(now) {
    const { ways, size, listed } = this, { path, forward } = ways;
    for (const each of this.timed) each.classList.toggle("trellis-later", each.dataset.t > now);
    const seen = listed ? [...path] : [...path.slice(0, now + 1)];
    this.path.setAttribute("points", seen.map((s, t) => `${this.x(t)},${this.y(s)}`).join(" "));
    this.frame.setAttribute("x", this.x(now) - size.column / 2);
    const parts = Array.from({ length: ways.frames }, (_, t) => shares(ways, t));
    for (const node of this.circles) {
      const [t, s] = node.dataset.node.split(",").map(Number), [circle, text] = node.children;
      if (listed) text.textContent = t > now ? "" : short(Math.exp(forward[t * ways.size + s]));
      else circle.setAttribute("r", t > now ? SMALLEST : Math.max(SMALLEST, size.radius * Math.sqrt(parts[t][s])));
      node.classList.toggle("trellis-on", path[t] === s && (listed || t <= now));
    }
  }
}
