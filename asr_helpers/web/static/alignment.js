// Times and confidence of a text's words, by Viterbi through CTC's lattice: the twin of asr_helpers/words/alignment.py.

// The best path that spells `labels`: for each frame a state; 2 i + 1 is the i-th label, the even ones are the blanks
// before, between and after. There must be frames enough.
function viterbi(logProbs, classes, labels) {
  const frames = logProbs.length / classes, states = 2 * labels.length + 1;
  const label = (state) => (state & 1 ? labels[state >> 1] : classes - 1);
  const maySkip = (state) => state & 1 && state > 1 && labels[state >> 1] !== labels[(state >> 1) - 1];
  const back = new Uint8Array(frames * states); // how many states back the best path comes from
  let score = new Float64Array(states).fill(-Infinity), next = new Float64Array(states);
  for (let state = 0; state < Math.min(2, states); state++) score[state] = logProbs[label(state)];
  for (let t = 1; t < frames; t++) {
    for (let state = 0; state < states; state++) {
      let best = score[state], from = 0;
      if (state > 0 && score[state - 1] > best) [best, from] = [score[state - 1], 1];
      if (maySkip(state) && score[state - 2] > best) [best, from] = [score[state - 2], 2];
      next[state] = best + logProbs[t * classes + label(state)];
      back[t * states + state] = from;
    }
    [score, next] = [next, score];
  }
  const path = new Int32Array(frames);
  let state = states > 1 && score[states - 2] > score[states - 1] ? states - 2 : states - 1;
  for (let t = frames - 1; t >= 0; t--) {
    path[t] = state;
    state -= back[t * states + state];
  }
  return path;
}

// Returns [{text, start, end, confidence}], in seconds from the beginning of the recording. A word lasts from its first
// letter's first frame to its last letter's last one; its confidence is the geometric mean of its letters'
// probabilities, each at its best frame.
export function align(logProbs, text, alphabet, frameSeconds, firstFrame = 0) {
  const letters = [...alphabet], classes = letters.length + 1, spelt = [...text];
  if (!text.trim() || !logProbs.length) return [];
  const labels = spelt.map((letter) => letters.indexOf(letter));
  const path = viterbi(logProbs, classes, labels);
  const first = spelt.map(() => -1), last = spelt.map(() => -1), best = spelt.map(() => -Infinity); // by letter
  path.forEach((state, t) => {
    const place = state >> 1;
    if (!(state & 1)) return; // a blank
    if (first[place] < 0) first[place] = t;
    last[place] = t;
    best[place] = Math.max(best[place], logProbs[t * classes + labels[place]]);
  });
  const words = [];
  let begin = 0;
  for (const word of text.split(" ")) {
    const end = begin + [...word].length;
    if (end > begin) {
      const sum = best.slice(begin, end).reduce((total, each) => total + each, 0);
      words.push({
        text: word,
        start: (first[begin] + firstFrame) * frameSeconds,
        end: (last[end - 1] + 1 + firstFrame) * frameSeconds,
        confidence: Math.exp(sum / (end - begin)),
      });
    }
    begin = end + 1;
  }
  return words;
}
