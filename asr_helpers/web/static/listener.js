// The recogniser while somebody speaks: blocks of samples in, words out. The twin of asr_helpers/live/hearing.py and
// listener.py, in which each window is computed again. Without a clock: the same samples give the same words.

const CHUNK = 25, AHEAD = 25, WINDOW = 100; // frames of 40 ms: new ones, look-ahead, and both with the past
const PAUSE_SECONDS = 0.8, IDLE_SECONDS = 2.4, LONGEST_SECONDS = 25; // one of these ends a stretch of text
const DROPPED_BELOW = 0.1; // confidence of a word that only the language model hears, in noise
const DOUBTFUL_BELOW = 0.4; // mean confidence of words that nobody said

// Log-probabilities of a stream, in chunks. `logProbs(samples)` hears a window; `hop` are the samples of a frame.
export class Hearing {
  constructor(logProbs, classes, hop) {
    Object.assign(this, { logProbs, classes, hop, samples: new Float32Array(0), start: 0, heard: 0 });
  }

  // The chunks that `samples` complete, with the frames before that they replace: [{first, logProbs}].
  push(samples) {
    const longer = new Float32Array(this.samples.length + samples.length), found = [];
    longer.set(this.samples);
    longer.set(samples, this.samples.length);
    this.samples = longer;
    for (;;) {
      const needed = (this.heard + CHUNK + AHEAD - this.start) * this.hop;
      if (this.samples.length < needed) return found;
      found.push(this.hear(this.samples.slice(0, needed), this.heard + CHUNK));
      this.heard += CHUNK;
      const passed = Math.max(0, this.heard - (WINDOW - CHUNK - AHEAD) - this.start);
      this.samples = this.samples.slice(passed * this.hop);
      this.start += passed;
    }
  }

  // From the middle of the past on: now these frames have more future than when they were new.
  hear(samples, end) {
    const first = this.start ? Math.floor((this.start + this.heard) / 2) : 0, all = this.logProbs(samples);
    return { first, logProbs: all.slice((first - this.start) * this.classes, (end - this.start) * this.classes) };
  }
}

// Text of which `black` never changes again, and `grey` may. `read(logProbs, first)` returns the words of frames.
export class Listener {
  constructor(read, classes, frameSeconds) {
    Object.assign(this, { read, classes, frameSeconds, frames: new Float32Array(0), first: 0, black: [], grey: [] });
  }

  // Takes a chunk; returns {finals, black, grey, doubtful}: the words of each stretch that has ended, and of this one.
  step({ first, logProbs }) {
    const skipped = Math.max(0, this.first - first), kept = (first + skipped - this.first) * this.classes;
    const frames = new Float32Array(kept + logProbs.length - skipped * this.classes), finals = [];
    frames.set(this.frames.subarray(0, kept));
    frames.set(logProbs.subarray(skipped * this.classes), kept);
    this.frames = frames;
    let words = this.words(this.frames), end;
    while ((end = findEnd(words, this.first, this.frames.length / this.classes, this.frameSeconds)) !== null) {
      finals.push(...this.end(end));
      words = this.words(this.frames);
    }
    const next = after(this.black, words), doubtful = isDoubtful([...this.black, ...next]);
    const agreed = doubtful ? 0 : agreement(this.grey, next);
    this.black = [...this.black, ...next.slice(0, agreed)];
    this.grey = next.slice(agreed);
    return { finals, black: this.black, grey: this.grey, doubtful };
  }

  words(frames) {
    return frames.length ? this.read(frames, this.first).filter((word) => word.confidence >= DROPPED_BELOW) : [];
  }

  end(end) {
    const seconds = (this.first + end) * this.frameSeconds, size = end * this.classes;
    const black = this.black.filter((word) => (word.start + word.end) / 2 < seconds);
    const words = [...black, ...after(black, this.words(this.frames.slice(0, size)))];
    Object.assign(this, { black: this.black.slice(black.length), grey: [], first: this.first + end });
    this.frames = this.frames.slice(size);
    return words.length ? [words] : [];
  }
}

const isDoubtful = (words) =>
  words.length > 0 && words.reduce((sum, word) => sum + word.confidence, 0) / words.length < DOUBTFUL_BELOW;

// How many words at the beginning of two texts are the same.
function agreement(last, next) {
  let count = 0;
  while (count < Math.min(last.length, next.length) && last[count].text === next[count].text) count++;
  return count;
}

// The words that go on after `black`: they follow the longest of those beginnings of `words` that differ least from it.
function after(black, words) {
  let distances = [0, ...words.map((_, i) => i + 1)];
  black.forEach((one, i) => {
    const row = [i + 1];
    words.forEach((other, j) => {
      row.push(Math.min(distances[j] + (one.text !== other.text), distances[j + 1] + 1, row[j] + 1));
    });
    distances = row;
  });
  return words.slice(distances.lastIndexOf(Math.min(...distances)));
}

// The frame at which a stretch ends, counted from its first one; null if it goes on.
function findEnd(words, first, frames, frameSeconds) {
  const of = (seconds) => Math.round(seconds / frameSeconds), pause = of(PAUSE_SECONDS);
  if (!words.length) return frames >= of(IDLE_SECONDS) ? frames - pause : null; // the last frames may begin a word
  const gaps = words.map((word, i) => {
    const start = of(word.end) - first, end = i + 1 < words.length ? of(words[i + 1].start) - first : frames;
    return { start, length: end - start, middle: Math.floor((start + end) / 2) };
  });
  const clear = gaps.find(({ length }) => length >= pause);
  if (clear) return clear.start + Math.floor(pause / 2);
  if (frames < of(LONGEST_SECONDS)) return null;
  const late = gaps.filter(({ start }) => start > Math.floor(frames / 3));
  const longer = (a, b) => a.length > b.length || (a.length === b.length && a.middle > b.middle);
  return late.reduce((best, each) => (longer(each, best) ? each : best)).middle;
}
