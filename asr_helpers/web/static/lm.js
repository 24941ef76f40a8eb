// The word n-gram model: P(word | words before it), with back-off, read from the packed file that Python writes; and
// what the beam search asks about the letters of words. asr_helpers/words/packed.py says what lies where in the file;
// words/fast/automaton.py and trie.py are the twins of what is made of it.

const START = 0, END = 1, UNKNOWN = 2; // the numbers of <s>, </s> and <unk>; the words follow, frequent ones first
const NONE = -1;
const MAGIC = "ASRL";

// The tree of the words' letters, an entry for each node.
export const NODES = {
  first: Int32Array, // child
  sibling: Int32Array,
  label: Int16Array,
  wordAt: Int32Array,
  best: Float32Array,
};

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
  constructor(counts, distances, contexts, size, vocabulary) {
    this.first = new Uint32Array(contexts + 1); // where each context's words begin in `words`
    this.words = new (vocabulary > 1 << 16 ? Uint32Array : Uint16Array)(size);
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
  constructor(bytes, alphabet, { max_word_letters }) {
    const text = new TextDecoder(), size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
    if (text.decode(bytes.subarray(0, 4)) !== MAGIC) throw new Error("it is no language model");
    const head = JSON.parse(text.decode(bytes.subarray(8, 8 + size))), { counts } = head;
    let at = 8 + size;
    const parts = head.sizes.map((length) => bytes.subarray(at, (at += length)));
    this.levels = counts.map((count, i) => {
      const trie = 2 * counts.length + 2 * (i - 1); // its first part
      return {
        first: 1 + counts.slice(0, i).reduce((sum, each) => sum + each, 0), // state
        logProb: new Steps(head.scales[2 * i], parts[1 + 2 * i], 0),
        backoff: i < counts.length - 1 ? new Steps(head.scales[2 * i + 1], parts[2 + 2 * i]) : null,
        words: i ? new Successors(parts[trie], parts[trie + 1], counts[i - 1], count, counts[0]) : null,
      };
    });
    this.vocabulary = counts[0];
    this.start = 1 + START;
    this.end = END;
    this.unknown = UNKNOWN;
    this.readLetters(text.decode(parts[0]), [...alphabet], max_word_letters);
  }

  // log10 P(word) without context.
  logProb(word) {
    return this.levels[0].logProb.at(word);
  }

  // Returns log10 P(word | state); the state after it is left in this.after.
  score(state, word) {
    for (let backedOff = 0; ; state = this.shorter(state)) {
      const found = this.next(state, word);
      if (found !== NONE) {
        // An n-gram of full length is no state: nothing longer begins with it.
        const whole = this.lengthOf(state) === this.levels.length - 1;
        this.after = whole ? this.extend(this.shorter(state), word) : found;
        return backedOff + this.logProbOf(found);
      }
      backedOff += this.backoffOf(state);
    }
  }

  // How many words a state holds; the n-grams of full length are numbered like states.
  lengthOf(state) {
    let length = this.levels.length;
    while (length > 0 && state < this.levels[length - 1].first) length--;
    return length;
  }

  // The number of the n-gram `state` and `word`, or NONE.
  next(state, word) {
    const length = this.lengthOf(state), { first, words } = this.levels[length];
    const place = length ? words.find(state - this.levels[length - 1].first, word) : word;
    return place === NONE ? NONE : first + place;
  }

  logProbOf(state) {
    const { first, logProb } = this.levels[this.lengthOf(state) - 1];
    return logProb.at(state - first);
  }

  backoffOf(state) {
    const { first, backoff } = this.levels[this.lengthOf(state) - 1];
    return backoff.at(state - first);
  }

  // A state's last word, and the state of the words before.
  parts(state) {
    const length = this.lengthOf(state), { first, words } = this.levels[length - 1], place = state - first;
    if (length === 1) return { context: 0, word: place };
    return { context: this.levels[length - 2].first + words.contextOf(place), word: words.words[place] };
  }

  // The state without its first word, or the longest listed end of it; NONE before the empty one.
  shorter(state) {
    if (this.lengthOf(state) < 2) return state ? 0 : NONE;
    const { context, word } = this.parts(state);
    return this.extend(this.shorter(context), word);
  }

  // The state of the longest listed end of `state` and `word`.
  extend(state, word) {
    for (; state !== NONE; state = this.shorter(state)) {
      const found = this.next(state, word);
      if (found !== NONE) return found;
    }
    return 0;
  }

  // The tree of the words' letters: each node is a prefix. `wordAt` is the word that ends there, `best` log10 P of the
  // most frequent word with this prefix.
  // `words` are those of the file, a line each.
  readLetters(words, letters, longest) {
    const labels = new Map(letters.map((letter, label) => [letter, label])), space = labels.get(" ");
    const spelt = new Int16Array(longest);
    this.nodes = 0;
    this.makeNodes(1 << 16);
    this.addNode(NONE, NONE);
    let word = 0, length = 0, good = true; // of the line so far
    for (const letter of `${words}\n`) {
      if (letter !== "\n") {
        const label = labels.get(letter) ?? space;
        good &&= label !== space && length < longest; // or else the model cannot spell it
        if (good) spelt[length++] = label;
        continue;
      }
      if (good && word > UNKNOWN) this.addWord(word, spelt.subarray(0, length));
      word++;
      length = 0;
      good = true;
    }
    this.makeNodes(this.nodes);
  }

  // Room for `size` nodes: a table of all letters of all nodes would be large.
  makeNodes(size) {
    for (const [name, Numbers] of Object.entries(NODES)) {
      const before = this[name];
      this[name] = new Numbers(size);
      if (!before) continue;
      this[name].set(before.subarray(0, this.nodes));
      before.buffer.transfer?.(0); // gives its memory back at once, where the browser can
    }
  }

  addNode(label, sibling) {
    if (this.nodes === this.first.length) this.makeNodes(2 * this.nodes);
    const node = this.nodes++;
    this.first[node] = this.wordAt[node] = NONE;
    this.sibling[node] = sibling;
    this.label[node] = label;
    this.best[node] = -Infinity;
    return node;
  }

  addWord(word, spelt) {
    const log10 = this.logProb(word);
    let node = 0;
    this.best[0] = Math.max(this.best[0], log10);
    for (const letter of spelt) {
      let next = this.child(node, letter);
      if (next === NONE) {
        next = this.addNode(letter, this.first[node]);
        this.first[node] = next;
      }
      node = next;
      this.best[node] = Math.max(this.best[node], log10);
    }
    this.wordAt[node] = word;
  }

  // The node that `label` leads to, or NONE.
  child(node, label) {
    if (node === NONE) return NONE;
    let child = this.first[node];
    while (child !== NONE && this.label[child] !== label) child = this.sibling[child];
    return child;
  }
}
