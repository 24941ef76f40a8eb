// Prefix beam search with shallow fusion: the twin of asr_helpers/words/fast/search.py, names and all.
// Read words/prefix_beam_search.py and words/fusion.py first. A test holds both to the same texts.

const IN_BLANK = 0, IN_LETTER = 1; // how an entry's alignments end
const NONE = -1;
const LOWEST = -1e300; // nats: a lower score is log 0
const ROOM = 1 << 15; // texts

// The prefix tree of the search, one entry per text; text 0 is the empty one. Arrays of numbers instead of objects: a
// second of speech makes ten thousand texts, and the garbage collector would stop the search again and again. For the
// same reason, nothing below makes an array for each frame.
const FIELDS = {
  parent: Int32Array, // the text without its last letter
  letter: Int16Array, // the last letter
  first: Int32Array, // the first child
  sibling: Int32Array, // the parent's next child
  place: Int32Array, // the last word's node in the tree of words, NONE outside it
  state: Int32Array, // the language model's, after the words before the last
  lmScore: Float64Array, // for all whole words and all letters
  lookahead: Float64Array, // the same with what the last word may come to
  length: Int32Array, // the letters of the last word
  inBlank: Float64Array, // ln P(alignments that end in the blank) up to this frame
  inLetter: Float64Array, // … in the last letter
  seen: Int32Array, // the frame in which the text was last reached
};

const MOVED = ["letter", "place", "state", "lmScore", "lookahead", "length"]; // of a text that stays

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
    this.unknownLetter = settings.weight * settings.unknown_letter;
    this.unknownLookahead = this.perLog10 * lm.logProb(lm.unknown) + settings.word_bonus;
    const { width } = settings;
    this.beam = { texts: new Int32Array(width), ends: new Uint8Array(width), scores: new Float64Array(width), size: 0 };
    this.labels = new Int16Array(this.alphabet.length + 1);
  }

  // Returns {text, score} for log-probabilities, frame after frame, the blank the last class. After each frame, `watch`
  // is called with its number; it may ask for the `leaders`.
  search(logProbs, watch = () => {}) {
    const classes = this.alphabet.length + 1;
    this.begin();
    for (let t = 0; t * classes < logProbs.length; t++) {
      this.advance(logProbs.subarray(t * classes, (t + 1) * classes), t);
      this.prune();
      watch(t);
    }
    return this.finish();
  }

  // The tree with the empty text alone. Its letter is a space, so that no text begins with a space.
  begin() {
    this.count = 1;
    if (this.texts?.parent.length !== ROOM) this.grow(ROOM, {});
    const { parent, letter, first, sibling, place, state, lmScore, lookahead, length, seen } = this.texts;
    parent[0] = first[0] = sibling[0] = seen[0] = NONE;
    place[0] = lmScore[0] = length[0] = 0;
    letter[0] = this.space;
    state[0] = this.lm.start;
    lookahead[0] = this.perLog10 * this.lm.best[0] + this.settings.word_bonus;
    this.beam.size = 1;
    this.beam.texts[0] = this.beam.ends[0] = this.beam.scores[0] = 0; // the empty text, after a blank
  }

  grow(size, before = this.texts) {
    this.texts = {};
    for (const [name, Numbers] of Object.entries(FIELDS)) {
      this.texts[name] = new Numbers(size);
      if (before[name]) this.texts[name].set(before[name]);
    }
    this.reached = new Int32Array(size);
    this.totals = new Float64Array(2 * size); // by text and how it ends
    this.kept = new Float64Array(2 * size);
  }

  // Makes room for `more` texts. Only the beam's texts and their beginnings stay, in their order. A text that is
  // forgotten and found again gets the same scores.
  makeRoom(more) {
    if (this.count + more <= this.texts.parent.length) return;
    const { parent, first, sibling, seen } = this.texts, { beam } = this;
    const now = seen.fill(NONE, 0, this.count); // the new number of each text that stays
    now[0] = 0;
    for (let entry = 0; entry < beam.size; entry++) {
      for (let text = beam.texts[entry]; now[text] === NONE; text = parent[text]) now[text] = 0;
    }
    let count = 0;
    for (let text = 0; text < this.count; text++) {
      if (now[text] === NONE) continue;
      now[text] = count; // at most `text`: what lies there has been moved
      for (const name of MOVED) this.texts[name][count] = this.texts[name][text];
      first[count] = NONE;
      if (count > 0) {
        const before = now[parent[text]];
        parent[count] = before;
        sibling[count] = first[before];
        first[before] = count;
      }
      count++;
    }
    for (let entry = 0; entry < beam.size; entry++) beam.texts[entry] = now[beam.texts[entry]];
    seen.fill(NONE);
    this.count = count;
    if (count + more > parent.length) this.grow(2 * (count + more));
  }

  // A frame offers its best label and all others of at least this log-probability. Returns how many these are.
  offer(frame) {
    const least = Math.min(this.settings.min_log_prob, Math.max(...frame));
    let count = 0;
    for (let label = 0; label < frame.length; label++) if (frame[label] >= least) this.labels[count++] = label;
    return count;
  }

  // Extends every entry by every label on offer; the texts that are reached are in `this.reached`.
  advance(frame, t) {
    const { labels, beam } = this, offered = this.offer(frame), blank = frame.length - 1;
    this.makeRoom(beam.size * offered);
    const { letter, first, sibling, inBlank, inLetter, seen } = this.texts, { reached } = this;
    this.reachedCount = 0;
    for (let entry = 0; entry < beam.size; entry++) {
      const text = beam.texts[entry], end = beam.ends[entry], last = letter[text];
      for (let i = 0; i < offered; i++) {
        const label = labels[i];
        let after = text;
        // A blank adds no letter, nor does a letter that goes on, nor a space at the start or after a space.
        if (label !== blank && (label !== last || (end === IN_BLANK && label !== this.space))) {
          after = first[text];
          while (after !== NONE && letter[after] !== label) after = sibling[after];
          if (after === NONE) after = this.add(text, label);
        }
        if (seen[after] !== t) {
          seen[after] = t;
          reached[this.reachedCount++] = after;
          inBlank[after] = inLetter[after] = -Infinity;
        }
        const sum = label === blank ? inBlank : inLetter;
        sum[after] = logAdd(sum[after], beam.scores[entry] + frame[label]);
      }
    }
  }

  // A new text: `text` and one more letter, scored as Fusion.extend and Fusion.lookahead_score do.
  add(text, label) {
    const { parent, letter, first, sibling, place, state, lmScore, lookahead, length, seen } = this.texts;
    const { lm } = this, after = this.count++;
    parent[after] = text;
    letter[after] = label;
    first[after] = seen[after] = NONE;
    sibling[after] = first[text];
    first[text] = after;
    if (label === this.space) {
      lmScore[after] = lmScore[text] + this.endWord(text);
      state[after] = lm.after;
      place[after] = length[after] = 0;
    } else {
      lmScore[after] = lmScore[text] + this.settings.letter_bonus;
      state[after] = state[text];
      place[after] = lm.child(place[text], label);
      length[after] = length[text] + 1;
    }
    // The language model scores whole words, but the beam is pruned in the middle of them: so a prefix of a word scores
    // what the most frequent word with that prefix would add (Ortmanns, Ney & Eiden, 1996).
    const byLetters = this.unknownLookahead + this.unknownLetter * length[after];
    const byWord = this.perLog10 * lm.best[place[after]] + this.settings.word_bonus;
    lookahead[after] = lmScore[after] + (place[after] === NONE ? byLetters : byWord);
    return after;
  }

  // What the last word of `text` adds to the score when it ends there; the state after it is left in lm.after.
  endWord(text) {
    const { place, state, length } = this.texts, { lm, settings } = this;
    const word = place[text] === NONE ? NONE : lm.wordAt[place[text]];
    const log10 = lm.score(state[text], word === NONE ? lm.unknown : word);
    const byLetters = word === NONE ? this.unknownLetter * length[text] : 0;
    return this.perLog10 * log10 + byLetters + settings.word_bonus;
  }

  // Keeps the entries within the margin of the best one, `width` of them at most.
  prune() {
    const { inBlank, inLetter, lookahead } = this.texts, { width, margin } = this.settings;
    const { beam, reached, reachedCount, totals, kept } = this;
    let best = -Infinity, count = 0;
    for (let i = 0; i < reachedCount; i++) {
      const text = reached[i];
      totals[2 * i + IN_BLANK] = inBlank[text] + lookahead[text];
      totals[2 * i + IN_LETTER] = inLetter[text] + lookahead[text];
      best = Math.max(best, totals[2 * i], totals[2 * i + 1]);
    }
    let least = Math.max(best - margin, LOWEST);
    for (let i = 0; i < 2 * reachedCount; i++) if (totals[i] >= least) kept[count++] = totals[i];
    if (count > width) least = kept.subarray(0, count).sort()[count - width];
    beam.size = 0;
    for (let i = 0; i < 2 * reachedCount && beam.size < width; i++) {
      if (totals[i] < least) continue;
      const text = reached[i >> 1], end = i & 1, entry = beam.size++;
      beam.texts[entry] = text;
      beam.ends[entry] = end;
      beam.scores[entry] = end === IN_BLANK ? inBlank[text] : inLetter[text];
    }
  }

  // The `count` best texts now, best first: [{text, sound, language}], in nats: ln P of all alignments so far, and what
  // language model and word bonus add, with look-ahead.
  leaders(count) {
    const { texts, scores, size } = this.beam, sums = new Map();
    for (let i = 0; i < size; i++) sums.set(texts[i], logAdd(sums.get(texts[i]) ?? -Infinity, scores[i]));
    const ordered = [...sums].map(([text, sound]) => ({ text, sound, language: this.texts.lookahead[text] }));
    ordered.sort((a, b) => b.sound + b.language - a.sound - a.language);
    return ordered.slice(0, count).map((each) => ({ ...each, text: this.spell(each.text) }));
  }

  // The best text with its full score. A text with and without a space at its end is the same.
  finish() {
    const { parent, letter, state, lmScore } = this.texts, { beam } = this, sums = new Map();
    for (let entry = 0; entry < beam.size; entry++) {
      const reached = beam.texts[entry], spaced = reached > 0 && letter[reached] === this.space;
      const text = spaced ? parent[reached] : reached;
      sums.set(text, logAdd(sums.get(text) ?? -Infinity, beam.scores[entry]));
    }
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
