// The word n-gram model: P(word | words before it), with back-off, read from the packed file that Python writes; and
// what the beam search asks about the letters of words. asr_helpers/words/packed.py says what lies where in the file;
// words/fast/automaton.py and trie.py are the twins of what is made of it.

const START = 0, END = 1, UNKNOWN = 2; // the numbers of <s>, </s> and <unk>; the words follow, frequent ones first
const NONE = -1;
const MAGIC = "ASRL";

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

// Which words follow each of `contexts` n-grams. The file holds how many there are, and each word's number as its
// distance from the one before: small numbers, which compress well.
class Successors {
  constructor(counts, distances, contexts, size) {
    this.first = new Uint32Array(contexts + 1); // where each context's words begin in `words`
    this.words = new Uint32Array(size);
    const count = new Varints(counts), distance = new Varints(distances);
    let at = 0;
    for (let context = 0; context < contexts; context++) {
      this.first[context] = at;
      for (let left = count.next(), word = NONE; left > 0; left--) this.words[at++] = word += distance.next() + 1;
    }
    this.first[contexts] = at;
  }

  // The place of `word` after a context, or NONE.
  find(context, word) {
    const end = this.first[context + 1], at = bisect(this.words, word, this.first[context], end);
    return at < end && this.words[at] === word ? at : NONE;
  }

  // The context that the word at `place` follows.
  contextOf(place) {
    return bisect(this.first, place + 1, 0, this.first.length) - 1;
  }
}

// The first place from `low` to `high` of an ascending array whose value is not below `value`.
function bisect(array, value, low, high) {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (array[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Numbers in steps, a byte each: value = low + step * byte.
class Steps {
  constructor([low, step], bytes, most = Infinity) {
    this.values = Float32Array.from({ length: 256 }, (_, i) => Math.min(low + step * i, most));
    this.bytes = bytes;
  }

  at(place) {
    return this.bytes ? this.values[this.bytes[place]] : 0;
  }
}

export class LanguageModel {
  // A state is an n-gram: the words before, as far as they are listed. State 0 is no word; then come all single words,
  // all pairs, and so on, each length in the order of the file.
  constructor(bytes, alphabet, { bigram_floor, max_word_letters }) {
    const text = new TextDecoder(), size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
    if (text.decode(bytes.subarray(0, 4)) !== MAGIC) throw new Error("it is no language model");
    const head = JSON.parse(text.decode(bytes.subarray(8, 8 + size))), { counts } = head;
    let at = 8 + size;
    const parts = head.sizes.map((length) => bytes.subarray(at, (at += length)));
    this.words = text.decode(parts[0]).split("\n");
    this.levels = counts.map((count, i) => {
      const trie = 2 * counts.length + 2 * (i - 1); // its first part
      return {
        first: 1 + counts.slice(0, i).reduce((sum, each) => sum + each, 0), // state
        logProb: new Steps(head.scales[2 * i], parts[1 + 2 * i], 0),
        backoff: i < counts.length - 1 ? new Steps(head.scales[2 * i + 1], parts[2 + 2 * i]) : null,
        words: i ? new Successors(parts[trie], parts[trie + 1], counts[i - 1], count) : null,
      };
    });
    this.start = 1 + START;
    this.end = END;
    this.unknown = UNKNOWN;
    this.readLetters([...alphabet], bigram_floor, max_word_letters);
  }

  // log10 P(word) without context.
  logProb(word) {
    return this.levels[0].logProb.at(word);
  }

  // Returns log10 P(word | state); the state after it is left in this.after.
  score(state, word) {
    let backedOff = 0;
    for (;;) {
      const length = this.lengthOf(state), level = this.levels[length], place = this.follow(state, length, word);
      if (place !== NONE) {
        // An n-gram of full length is no state: nothing longer begins with it.
        const whole = length === this.levels.length - 1;
        this.after = whole ? this.extend(this.shorter(state), word) : level.first + place;
        return backedOff + level.logProb.at(place);
      }
      const { first, backoff } = this.levels[length - 1];
      backedOff += backoff.at(state - first);
      state = this.shorter(state);
    }
  }

  // How many words a state holds.
  lengthOf(state) {
    let length = this.levels.length - 1;
    while (length > 0 && state < this.levels[length - 1].first) length--;
    return length;
  }

  // The place of `state` and `word` among the n-grams that are one word longer, or NONE.
  follow(state, length, word) {
    return length ? this.levels[length].words.find(state - this.levels[length - 1].first, word) : word;
  }

  // The state without its first word, or the longest listed end of it; NONE before the empty one.
  shorter(state) {
    const length = this.lengthOf(state);
    if (length < 2) return length ? 0 : NONE;
    const { first, words } = this.levels[length - 1], context = words.contextOf(state - first);
    return this.extend(this.shorter(this.levels[length - 2].first + context), words.words[state - first]);
  }

  // The state of the longest listed end of `state` and `word`.
  extend(state, word) {
    if (state === NONE) return 0;
    for (;;) {
      const length = this.lengthOf(state), place = this.follow(state, length, word);
      if (place !== NONE) return this.levels[length].first + place;
      state = this.shorter(state);
    }
  }

  // The tree of the words' letters: each node is a prefix. `wordAt` is the word that ends there, `best` log10 P of the
  // most frequent word with this prefix. And ln P(letter | letter before it) in these words, as `letter_bigrams`.
  readLetters(letters, floor, longest) {
    const labels = new Map(letters.map((letter, label) => [letter, label])), space = labels.get(" ");
    const counts = new Float64Array(letters.length ** 2), wordAt = [NONE], best = [-Infinity];
    const first = [NONE], sibling = [NONE], label = [NONE]; // a table of all letters of all nodes would be large
    this.letters = letters.length;
    for (let word = UNKNOWN + 1; word < this.words.length; word++) {
      const spelt = Array.from(this.words[word], (letter) => labels.get(letter) ?? space), log10 = this.logProb(word);
      if (spelt.length > longest || spelt.includes(space)) continue; // the model cannot spell it
      let node = 0, before = space;
      best[0] = Math.max(best[0], log10);
      for (const letter of spelt) {
        let next = first[node];
        while (next !== NONE && label[next] !== letter) next = sibling[next];
        if (next === NONE) {
          next = wordAt.push(NONE) - 1;
          best.push(-Infinity);
          first.push(NONE);
          sibling.push(first[node]);
          label.push(letter);
          first[node] = next;
        }
        node = next;
        best[node] = Math.max(best[node], log10);
        counts[before * letters.length + letter] += 10 ** log10;
        before = letter;
      }
      counts[before * letters.length + space] += 10 ** log10;
      wordAt[node] = word;
    }
    Object.assign(this, { first: Int32Array.from(first), sibling: Int32Array.from(sibling) });
    this.label = Int16Array.from(label);
    this.wordAt = Int32Array.from(wordAt);
    this.best = Float64Array.from(best);
    this.bigrams = logShares(counts, letters.length, floor);
  }

  // The node that `label` leads to, or NONE.
  child(node, label) {
    if (node === NONE) return NONE;
    let child = this.first[node];
    while (child !== NONE && this.label[child] !== label) child = this.sibling[child];
    return child;
  }

  // ln P(label | before), of two letters in a word.
  pair(before, label) {
    return this.bigrams[before * this.letters + label];
  }
}

// ln of each row's shares; `floor` of each row is spread evenly, so that no letter is impossible.
function logShares(counts, size, floor) {
  return counts.map((count, i) => {
    const row = counts.subarray(i - (i % size), i - (i % size) + size), total = row.reduce((sum, each) => sum + each);
    return Math.log((1 - floor) * (total > 0 ? count / total : 1 / size) + floor / size);
  });
}
