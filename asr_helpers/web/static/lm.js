// The word 3-gram, read from the binary trie that Python writes: P(word | the two words before it), with back-off, and
// what the beam search asks about the letters of words. See asr_helpers/words/fast/automaton.py and trie.py.

const START = 0, END = 1, UNKNOWN = 2; // the numbers of <s>, </s> and <unk>; the words follow, frequent ones first
const NONE = -1;

// A stream of whole numbers, seven bits a byte, low bits first; a set top bit means that more follow (LEB128).
class Varints {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  next() {
    let value = 0, shift = 0, byte;
    do {
      byte = this.bytes[this.at++];
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte & 128);
    return value;
  }
}

// One level of the trie: which words follow each of `parents` contexts. The file holds how many there are, and each
// word's number as its distance from the one before: small numbers, which compress well.
class Successors {
  constructor(counts, distances, parents, size) {
    this.first = new Uint32Array(parents + 1); // where each context's words begin in `words`
    this.words = new Uint32Array(size);
    const count = new Varints(counts), distance = new Varints(distances);
    let at = 0;
    for (let parent = 0; parent < parents; parent++) {
      this.first[parent] = at;
      for (let left = count.next(), word = -1; left > 0; left--) this.words[at++] = word += distance.next() + 1;
    }
    this.first[parents] = at;
  }

  // The place of `word` after the context `parent`, or NONE, by bisection.
  find(parent, word) {
    const end = this.first[parent + 1];
    let low = this.first[parent], high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.words[middle] < word) low = middle + 1;
      else high = middle;
    }
    return low < end && this.words[low] === word ? low : NONE;
  }
}

// Numbers in steps, a byte each: value = low + step * byte.
class Steps {
  constructor([low, step], bytes) {
    this.values = Float32Array.from({ length: 256 }, (_, i) => low + step * i);
    this.bytes = bytes;
  }

  at(place) {
    return this.values[this.bytes[place]];
  }
}

export class LanguageModel {
  // States: 0 knows no word before, 1 + w the word w, 1 + words + i the i-th listed pair of words.
  constructor(bytes, alphabet, { bigram_floor, max_word_letters }) {
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const text = new TextDecoder();
    const head = JSON.parse(text.decode(bytes.subarray(4, 4 + size)));
    let at = 4 + size;
    const parts = head.sizes.map((length) => bytes.subarray(at, (at += length)));
    const [words, pairs, triples] = head.counts;
    this.words = text.decode(parts[0]).split("\n");
    [this.p1, this.backoff1, this.p2, this.backoff2, this.p3] = head.scales.map((scale, i) => new Steps(scale, parts[1 + i]));
    this.pairsOf = new Successors(parts[6], parts[7], words, pairs);
    this.triplesOf = new Successors(parts[8], parts[9], pairs, triples);
    this.start = 1 + START;
    this.end = END;
    this.unknown = UNKNOWN;
    this.readLetters([...alphabet], bigram_floor, max_word_letters);
  }

  // log10 P(word) without context.
  logProb(word) {
    return this.p1.at(word);
  }

  // Returns log10 P(word | state); the state after it is left in this.after.
  score(state, word) {
    const words = this.words.length;
    let backedOff = 0, before = state - 1;
    if (state > words) {
      const pair = state - 1 - words, triple = this.triplesOf.find(pair, word);
      before = this.pairsOf.words[pair];
      if (triple !== NONE) {
        const shorter = this.pairsOf.find(before, word);
        this.after = shorter === NONE ? 1 + word : 1 + words + shorter;
        return this.p3.at(triple);
      }
      backedOff = this.backoff2.at(pair);
    }
    if (before >= 0) {
      const pair = this.pairsOf.find(before, word);
      if (pair !== NONE) {
        this.after = 1 + words + pair;
        return backedOff + this.p2.at(pair);
      }
      backedOff += this.backoff1.at(before);
    }
    this.after = 1 + word;
    return backedOff + this.p1.at(word);
  }

  // The tree of the words' letters: each node is a prefix. `wordAt` is the word that ends there, `best` log10 P of the
  // most frequent word with this prefix. And ln P(letter | letter before it) in these words, as `letter_bigrams`.
  readLetters(letters, floor, longest) {
    const labels = new Map(letters.map((letter, label) => [letter, label])), space = labels.get(" ");
    const counts = new Float64Array(letters.length ** 2), wordAt = [NONE], best = [-Infinity];
    let children = new Int32Array(letters.length << 16).fill(NONE);
    this.letters = letters.length;
    for (let word = UNKNOWN + 1; word < this.words.length; word++) {
      const spelt = Array.from(this.words[word], (letter) => labels.get(letter) ?? space), log10 = this.p1.at(word);
      if (spelt.length > longest || spelt.includes(space)) continue; // the model cannot spell it
      let node = 0, before = space;
      best[0] = Math.max(best[0], log10);
      for (const label of spelt) {
        const edge = node * letters.length + label;
        if (children[edge] === NONE) {
          children[edge] = wordAt.push(NONE) - 1;
          best.push(-Infinity);
          if (wordAt.length * letters.length > children.length) children = doubled(children);
        }
        node = children[edge];
        best[node] = Math.max(best[node], log10);
        counts[before * letters.length + label] += 10 ** log10;
        before = label;
      }
      counts[before * letters.length + space] += 10 ** log10;
      wordAt[node] = word;
    }
    this.children = children;
    this.wordAt = Int32Array.from(wordAt);
    this.best = Float64Array.from(best);
    this.bigrams = logShares(counts, letters.length, floor);
  }

  // The node that `label` leads to, or NONE.
  child(node, label) {
    return node === NONE ? NONE : this.children[node * this.letters + label];
  }

  // ln P(label | before), of two letters in a word.
  pair(before, label) {
    return this.bigrams[before * this.letters + label];
  }
}

function doubled(array) {
  const longer = new Int32Array(2 * array.length).fill(NONE);
  longer.set(array);
  return longer;
}

// ln of each row's shares; `floor` of each row is spread evenly, so that no letter is impossible.
function logShares(counts, size, floor) {
  return counts.map((count, i) => {
    const row = counts.subarray(i - (i % size), i - (i % size) + size), total = row.reduce((sum, each) => sum + each);
    return Math.log((1 - floor) * (total > 0 ? count / total : 1 / size) + floor / size);
  });
}
