// CTC's lattice: all ways to write a text in a given number of frames. The twin of asr_helpers/words/ctc_lattice.py.

export const logAdd = (a, b) => {
  const low = Math.min(a, b), high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
};

// The states are the labels with a blank before, between and after. `forward[t * states + s]` is ln of the sum of all
// ways that are in state s at frame t; `backward` that of all ways from there to the end, without that frame. `path` is
// the best way, a state for each frame; `best` is its ln P, and `total` that of all ways. The blank is the last class.
export function lattice(logProbs, classes, labels) {
  const frames = logProbs.length / classes, size = 2 * labels.length + 1;
  const classOf = Array.from({ length: size }, (_, s) => (s & 1 ? labels[s >> 1] : classes - 1));
  const maySkip = (s) => s > 1 && (s & 1) === 1 && classOf[s] !== classOf[s - 2]; // only a blank, and not between twins
  const here = (t, s) => logProbs[t * classes + classOf[s]];
  const [forward, backward, score] = [0, 0, 0].map(() => new Float64Array(frames * size).fill(-Infinity));
  const from = new Uint8Array(frames * size); // how many states back the best way comes from
  for (let t = 0; t < frames; t++) {
    for (let s = 0; s < size; s++) {
      let sum = t || s > 1 ? -Infinity : 0, best = sum;
      for (let step = 0; t && step <= (maySkip(s) ? 2 : 1) && step <= s; step++) {
        const before = (t - 1) * size + s - step;
        sum = logAdd(sum, forward[before]);
        if (score[before] > best) [best, from[t * size + s]] = [score[before], step];
      }
      forward[t * size + s] = sum + here(t, s);
      score[t * size + s] = best + here(t, s);
    }
  }
  for (let t = frames - 1; t >= 0; t--) {
    for (let s = 0; s < size; s++) {
      let sum = t === frames - 1 && s >= size - 2 ? 0 : -Infinity;
      for (let step = 0; t < frames - 1 && step <= 2 && s + step < size; step++) {
        const after = (t + 1) * size + s + step;
        if (step < 2 || maySkip(s + 2)) sum = logAdd(sum, backward[after] + here(t + 1, s + step));
      }
      backward[t * size + s] = sum;
    }
  }
  const last = (frames - 1) * size, path = new Int32Array(frames);
  let state = size > 1 && score[last + size - 2] > score[last + size - 1] ? size - 2 : size - 1;
  const best = score[last + state], inLetter = size > 1 ? forward[last + size - 2] : -Infinity;
  const total = logAdd(forward[last + size - 1], inLetter);
  for (let t = frames - 1; t >= 0; t--) {
    path[t] = state;
    state -= from[t * size + state];
  }
  return { frames, size, classOf, maySkip, here, forward, backward, path, best, total };
}

// The share of all ways so far that are in each state at frame t.
export function shares({ forward, size }, t) {
  const row = forward.subarray(t * size, (t + 1) * size), sum = row.reduce(logAdd, -Infinity);
  return Array.from(row, (value) => (sum === -Infinity ? 0 : Math.exp(value - sum)));
}

// All ways, each a list of states: only where there are few frames.
export function allPaths({ frames, size, maySkip }) {
  let paths = size > 1 ? [[size - 1], [size - 2]] : [[0]];
  for (let t = frames - 2; t >= 0; t--) {
    const before = (s) => [s, s - 1, s - 2].slice(0, maySkip(s) ? 3 : 2).filter((from) => from >= 0);
    paths = paths.flatMap((path) => before(path[0]).map((from) => [from, ...path]));
  }
  return paths.filter(([first]) => first < 2).sort((a, b) => a.join().localeCompare(b.join()));
}
