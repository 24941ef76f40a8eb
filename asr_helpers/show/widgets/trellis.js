// CTC's trellis of a short word: sum it frame by frame, step through its paths, or drag a path with the pointer.

const SPACE_X = 116, SPACE_Y = 64, LEFT = 84, TOP = 40, RADIUS = 30;
const KINDS = [["stay", "#8a8a8a", ""], ["step", "#0072b2", ""], ["skip a blank", "#009e73", "7 4"]];

const short = (value) => (value ? String(Number(value.toPrecision(2))).replace(/^0/, "") : "");

// The legal moves into state s: stay, step, and skip where a blank may be left out.
function moves(s, skips) {
  return [s, s - 1, s - 2].filter((from, jump) => from >= 0 && (jump < 2 || skips[s]));
}

// All paths, each a list of states, that start in the first two states and end in the last two.
function allPaths(frames, states, skips) {
  let paths = [[states - 1], [states - 2]];
  for (let t = frames - 2; t >= 0; t--) {
    paths = paths.flatMap((path) => moves(path[0], skips).map((from) => [from, ...path]));
  }
  return paths.filter((path) => path[0] < 2).sort((a, b) => a.join().localeCompare(b.join()));
}

function render({ model, el }) {
  const [probs, names, skips, word] = ["probs", "names", "skips", "word"].map((name) => model.get(name));
  const frames = probs.length, states = names.length;
  const paths = allPaths(frames, states, skips);
  const product = (path) => path.reduce((worth, s, t) => worth * probs[t][s], 1);
  const total = paths.reduce((sum, path) => sum + product(path), 0);
  const alive = probs.map((_, t) => names.map((_, s) => paths.some((path) => path[t] === s)));
  const forward = [names.map((_, s) => (s < 2 ? probs[0][s] : 0))];
  for (let t = 1; t < frames; t++) {
    forward.push(names.map((_, s) => moves(s, skips).reduce((sum, from) => sum + forward[t - 1][from], 0) * probs[t][s]));
  }

  const x = (t) => LEFT + t * SPACE_X, y = (s) => TOP + s * SPACE_Y;
  const width = x(frames - 1) + 60, height = y(states - 1) + 70;
  let drawing = "";
  for (let t = 1; t < frames; t++) {
    for (let s = 0; s < states; s++) {
      moves(s, skips).forEach((from) => {
        if (!alive[t][s] || !alive[t - 1][from]) return;
        const [, colour, dash] = KINDS[s - from];
        const [dx, dy] = [SPACE_X, (s - from) * SPACE_Y].map((d) => (d * RADIUS) / Math.hypot(SPACE_X, (s - from) * SPACE_Y));
        drawing += `<line data-t="${t}" x1="${x(t - 1) + dx}" y1="${y(from) + dy}" x2="${x(t) - 1.25 * dx}" ` +
          `y2="${y(s) - 1.25 * dy}" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash}" marker-end="url(#tip)"/>`;
      });
    }
  }
  drawing += '<polyline fill="none" stroke="#d55e00" stroke-width="14" stroke-opacity="0.5" stroke-linejoin="round"/>';
  for (let t = 0; t < frames; t++) {
    drawing += `<text x="${x(t)}" y="${height - 12}">frame ${t + 1}</text>`;
    for (let s = 0; s < states; s++) {
      if (!alive[t][s]) continue;
      drawing += `<g data-node="${t},${s}" style="cursor:pointer"><circle cx="${x(t)}" cy="${y(s)}" r="${RADIUS}" ` +
        `fill="white" stroke="#0072b2" stroke-width="2"/><text x="${x(t)}" y="${y(s) + 5}" fill="black"></text></g>`;
    }
  }
  names.forEach((name, s) => (drawing += `<text x="22" y="${y(s) + 7}" font-size="22">${name}</text>`));
  const legend = KINDS.map(([name, colour, dash]) =>
    `<svg width="34" height="10"><path d="M0 5H34" stroke="${colour}" stroke-width="3" stroke-dasharray="${dash}"/></svg> ${name}`);

  el.innerHTML = `<div class="asr-trellis" style="max-width:${width}px;font:15px sans-serif;line-height:1.5">
    <label>sums up to frame <input type="range" name="frame" min="1" max="${frames}" value="1"
      data-lm-suppress-shortcuts="true"> <output></output></label><br>
    <label>path <input type="range" name="path" min="1" max="${paths.length}" value="1"
      data-lm-suppress-shortcuts="true"> <output></output> (or drag it)</label>
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${model.get("alt")}" text-anchor="middle"
      fill="currentColor" font-size="17" style="width:100%;touch-action:none;user-select:none">
      <defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="5" markerHeight="5" orient="auto">
      <path d="M0 0L8 4L0 8z" fill="#8a8a8a"/></marker></defs>${drawing}</svg>
    <div>${legend.join(" &nbsp; ")}</div><div role="status" style="min-height:4.5em"></div></div>`;
  const svg = el.querySelector(".asr-trellis > svg"), status = el.querySelector("[role=status]");
  const [frameSlider, pathSlider] = el.querySelectorAll("input");
  const [frameShown, pathShown] = el.querySelectorAll("output");
  let place = [frames - 1, states - 1]; // of the node whose sum is spelt out

  function draw() {
    const summed = Number(frameSlider.value), number = Number(pathSlider.value), path = paths[number - 1];
    frameShown.textContent = `${summed} of ${frames}`;
    pathShown.textContent = `${number} of ${paths.length}`;
    svg.querySelector("polyline").setAttribute("points", path.map((s, t) => `${x(t)},${y(s)}`).join(" "));
    for (const line of svg.querySelectorAll("line")) line.style.opacity = line.dataset.t < summed ? 1 : 0.15;
    for (const node of svg.querySelectorAll("g")) {
      const [t, s] = node.dataset.node.split(",").map(Number);
      node.lastChild.textContent = t < summed ? short(forward[t][s]) : "";
    }
    const [t, s] = [Math.min(place[0], summed - 1), place[1]];
    const came = t ? moves(s, skips).map((from) => forward[t - 1][from]).filter(Boolean) : [];
    const sum = t ? `(${came.map(short).join(" + ")}) × ${short(probs[t][s])}` : "the first frame";
    const soFar = paths.slice(0, number).reduce((sum, each) => sum + product(each), 0);
    const node = forward[t][s] ? `Node ${names[s]} in frame ${t + 1}: ${sum} = ${short(forward[t][s])}<br>` : "";
    const end = summed === frames ? `The last two nodes: P(${word}) = ${total.toFixed(6)}.` : "";
    status.innerHTML = `${node}Path ${path.map((s) => names[s]).join(" ")}: ` +
      `${path.map((s, t) => short(probs[t][s])).join(" × ")} = ${short(product(path))}<br>` +
      `Paths 1 to ${number} add up to ${soFar.toFixed(6)}. ${end}`;
  }

  // The path through (t, s) that has most in common with the shown one.
  function pull(t, s) {
    const shown = paths[pathSlider.value - 1];
    const unlike = (path) => path.reduce((sum, state, at) => sum + Math.abs(state - shown[at]), 0);
    const through = paths.filter((path) => path[t] === s);
    const nearest = through.reduce((best, path) => (unlike(path) < unlike(best) ? path : best));
    pathSlider.value = paths.indexOf(nearest) + 1;
    place = [t, s];
    draw();
  }

  let pressed = false;
  function point(event) {
    const node = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-node]");
    if (node && svg.contains(node)) pull(...node.dataset.node.split(",").map(Number));
  }
  svg.onpointerdown = (event) => { pressed = true; point(event); };
  svg.onpointermove = (event) => pressed && point(event);
  const release = () => (pressed = false);
  window.addEventListener("pointerup", release);
  frameSlider.oninput = () => { place = [frames - 1, paths[pathSlider.value - 1][frameSlider.value - 1]]; draw(); };
  pathSlider.oninput = () => { place = [frames - 1, paths[pathSlider.value - 1][frameSlider.value - 1]]; draw(); };
  draw();
  return () => window.removeEventListener("pointerup", release);
}

export default { render };
