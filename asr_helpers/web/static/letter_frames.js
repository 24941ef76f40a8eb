// In which frames letters are heard, from log-probabilities (frames, classes).

// The letters of the best path: {label, first, end} in frames.
export function letterRuns(logProbs, classes) {
  const runs = [];
  let before = classes - 1;
  for (let t = 0; t * classes < logProbs.length; t++) {
    const frame = logProbs.subarray(t * classes, (t + 1) * classes), label = frame.indexOf(Math.max(...frame));
    if (label === before && label < classes - 1) runs.at(-1).end++;
    else if (label < classes - 1) runs.push({ label, first: t, end: t + 1 });
    before = label;
  }
  return runs;
}

// Where `label` has at least the log-probability `least`: {first, end} in frames.
export function framesOf(label, least, logProbs, classes) {
  const found = [];
  for (let t = 0; t * classes < logProbs.length; t++) {
    if (logProbs[t * classes + label] < least) continue;
    if (found.at(-1)?.end === t) found.at(-1).end++;
    else found.push({ first: t, end: t + 1 });
  }
  return found;
}
