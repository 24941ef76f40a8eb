// Prefix beam search with shallow fusion: the twin of asr_helpers/words/fast/search.py, names and all.
// Read words/prefix_beam_search.py and words/fusion.py first. A test holds both to the same texts.

const IN_BLANK = 0, IN_LETTER = 1; // how an entry's alignments end
const NONE = -1;
const LOWEST = -1e300; // nats: a lower score is log 0

// The prefix tree of the search, one entry per text; text 0 is the empty one. Arrays of numbers instead of objects: a
// second of speech makes ten thousand texts, and the garbage collector would stop the search again and again.
const FIELDS = {
  parent: Int32Array, // the text without its last letter
  letter: Int16Array, // the last letter
  first: Int32Array, // the first child
  sibling: Int32Array, // the parent's next child
  place: Int32Array, // the last word's node in the tree of words, NONE outside it
  state: Int32Array, // the language model's, after the words before the last
  lmScore: Float64Array, // for all whole words and all letters
  lookahead: Float64Array, // the same with what the last word may come to
  spelling: Float64Array, // ln P of the last word's letters
  inBlank: Float64Array, // ln P(alignments that end in the blank) up to this frame
  inLetter: Float64Array, // … in the last letter
  seen: Int32Array, // the frame in which the text was last reached
};

function logAdd(a, b) {
  const low = Math.min(a, b), high = Math.max(a, b);
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}

export class BeamSearch {
  // `lm` is a LanguageModel, `alphabet` the model's letters without the blank, `settings` the decoder's.
  constructor(lm, alphabet, settings) {
    this.lm = lm;
    this.alphabet = [...alphabet];
    this.space = this.alphabet.indexOf(" ");
    this.settings = settings;
    this.perLog10 = settings.weight * Math.LN10; // what a factor of ten in P(word) adds to a score
    this.letterWeight = settings.weight * settings.internal_lm_weight;
    this.unknownLookahead = this.perLog10 * lm.logProb(lm.unknown) + settings.word_bonus;
  }

  // Returns {text, score} for log-probabilities, frame after frame, the blank the last class.
  search(logProbs) {
    const classes = this.alphabet.length + 1;
    this.begin();
    let beam = { texts: [0], ends: [IN_BLANK], scores: [0] };
    for (let t = 0; t * classes < logProbs.length; t++) {
      const frame = logProbs.subarray(t * classes, (t + 1) * classes);
      beam = this.prune(this.advance(beam, frame, t));
    }
    return this.finish(beam);
  }

  // The tree with the empty text alone. Its letter is a space, so that no text begins with a space.
  begin() {
    this.count = 1;
    this.texts = {};
    this.grow(1 << 13);
    const { parent, letter, first, sibling, state, lookahead, seen } = this.texts;
    parent[0] = first[0] = sibling[0] = seen[0] = NONE;
    letter[0] = this.space;
    state[0] = this.lm.start;
    lookahead[0] = this.perLog10 * this.lm.best[0] + this.settings.word_bonus;
  }

  grow(size) {
    for (const [name, Numbers] of Object.entries(FIELDS)) {
      const longer = new Numbers(size);
      if (this.texts[name]) longer.set(this.texts[name]);
      this.texts[name] = longer;
    }
  }

  // A frame offers its best label and all others of at least this log-probability.
  offered(frame) {
    const least = Math.min(this.settings.min_log_prob, Math.max(...frame));
    return Array.from(frame.keys()).filter((label) => frame[label] >= least);
  }

  // Extends every entry by every label on offer; returns the texts that are reached.
  advance(beam, frame, t) {
    const labels = this.offered(frame), blank = frame.length - 1, reached = [];
    const needed = this.count + beam.texts.length * labels.length;
    if (needed > this.texts.parent.length) this.grow(2 * needed);
    const { letter, first, sibling, inBlank, inLetter, seen } = this.texts;
    for (let entry = 0; entry < beam.texts.length; entry++) {
      const text = beam.texts[entry], end = beam.ends[entry], last = letter[text];
      for (const label of labels) {
        let after = text;
        // A blank adds no letter, nor does a letter that goes on, nor a space at the start or after a space.
        if (label !== blank && (label !== last || (end === IN_BLANK && label !== this.space))) {
          after = first[text];
          while (after !== NONE && letter[after] !== label) after = sibling[after];
          if (after === NONE) after = this.add(text, label);
        }
        if (seen[after] !== t) {
          seen[after] = t;
          reached.push(after);
          inBlank[after] = inLetter[after] = -Infinity;
        }
        const sum = label === blank ? inBlank : inLetter;
        sum[after] = logAdd(sum[after], beam.scores[entry] + frame[label]);
      }
    }
    return reached;
  }

  // A new text: `text` and one more letter, scored as Fusion.extend and Fusion.lookahead_score do.
  add(text, label) {
    const { parent, letter, first, sibling, place, state, lmScore, lookahead, spelling, seen } = this.texts;
    const { lm } = this, after = this.count++;
    parent[after] = text;
    letter[after] = label;
    first[after] = seen[after] = NONE;
    sibling[after] = first[text];
    first[text] = after;
    if (label === this.space) {
      lmScore[after] = lmScore[text] + this.endWord(text);
      state[after] = lm.after;
      place[after] = spelling[after] = 0;
    } else {
      const pair = lm.pair(letter[text], label);
      lmScore[after] = lmScore[text] - this.letterWeight * pair;
      state[after] = state[text];
      place[after] = lm.child(place[text], label);
      spelling[after] = spelling[text] + pair;
    }
    // The language model scores whole words, but the beam is pruned in the middle of them: so a prefix of a word scores
    // what the most frequent word with that prefix would add (Ortmanns, Ney & Eiden, 1996).
    const byLetters = this.unknownLookahead + this.settings.weight * spelling[after];
    const byWord = this.perLog10 * lm.best[place[after]] + this.settings.word_bonus;
    lookahead[after] = lmScore[after] + (place[after] === NONE ? byLetters : byWord);
    return after;
  }

  // What the last word of `text` adds to the score when it ends there; the state after it is left in lm.after.
  endWord(text) {
    const { letter, place, state, spelling } = this.texts, { lm, settings } = this;
    const last = lm.pair(letter[text], this.space);
    const word = place[text] === NONE ? NONE : lm.wordAt[place[text]];
    const log10 = lm.score(state[text], word === NONE ? lm.unknown : word);
    const byLetters = word === NONE ? settings.weight * (spelling[text] + last) : 0;
    return this.perLog10 * log10 + byLetters + settings.word_bonus - this.letterWeight * last;
  }

  // Keeps the entries within the margin of the best one, `width` of them at most.
  prune(reached) {
    const { inBlank, inLetter, lookahead } = this.texts, { width, margin } = this.settings;
    const totals = new Float64Array(2 * reached.length); // by text and how it ends
    let best = -Infinity;
    for (let i = 0; i < reached.length; i++) {
      const text = reached[i];
      totals[2 * i + IN_BLANK] = inBlank[text] + lookahead[text];
      totals[2 * i + IN_LETTER] = inLetter[text] + lookahead[text];
      best = Math.max(best, totals[2 * i], totals[2 * i + 1]);
    }
    let least = Math.max(best - margin, LOWEST);
    const kept = totals.filter((total) => total >= least);
    if (kept.length > width) least = kept.sort()[kept.length - width];
    const beam = { texts: [], ends: [], scores: [] };
    for (let i = 0; i < totals.length && beam.texts.length < width; i++) {
      if (totals[i] < least) continue;
      const text = reached[i >> 1], end = i & 1;
      beam.texts.push(text);
      beam.ends.push(end);
      beam.scores.push(end === IN_BLANK ? inBlank[text] : inLetter[text]);
    }
    return beam;
  }

  // The best text with its full score. A text with and without a space at its end is the same.
  finish(beam) {
    const { parent, letter, state, lmScore } = this.texts, sums = new Map();
    beam.texts.forEach((reached, entry) => {
      const text = reached > 0 && letter[reached] === this.space ? parent[reached] : reached;
      sums.set(text, logAdd(sums.get(text) ?? -Infinity, beam.scores[entry]));
    });
    let winner = 0, high = -Infinity;
    for (const [text, sum] of sums) {
      let score = sum + lmScore[text], after = state[text];
      if (text > 0) {
        score += this.endWord(text);
        after = this.lm.after;
      }
      score += this.perLog10 * this.lm.score(after, this.lm.end);
      if (score > high) [winner, high] = [text, score];
    }
    return { text: this.spell(winner), score: high };
  }

  spell(text) {
    const { parent, letter } = this.texts, letters = [];
    for (; text > 0; text = parent[text]) letters.push(this.alphabet[letter[text]]);
    return letters.reverse().join("");
  }
}

// Each frame's best label; repeats and blanks fall away: the twin of asr_helpers/words/greedy_decoding.py.
export function greedy(logProbs, alphabet) {
  const letters = [...alphabet], classes = letters.length + 1;
  let text = "", last = NONE;
  for (let t = 0; t < logProbs.length; t += classes) {
    const frame = logProbs.subarray(t, t + classes), best = frame.indexOf(Math.max(...frame));
    if (best !== last && best < letters.length) text += letters[best];
    last = best;
  }
  return text;
}
