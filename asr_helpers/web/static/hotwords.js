// Hotwords: names and phrases that the recogniser should expect, as an edit of the language model. The twin of
// asr_helpers/words/hotwords.py, which says what they change, and why the search needs no line of its own.

import { LanguageModel, NODES } from "./lm.js";

const NONE = -1;
const SHIFT = 2 ** 26; // more than there are words: a state and a word make one number

// The hotwords of a text, a line or a comma each, as the alphabet spells them: {words, strangers}; nobody can spell the
// `strangers`.
export function readHotwords(text, alphabet) {
  const letters = new Set(alphabet), turkish = letters.has("İ") || letters.has("ı"), words = [], strangers = [];
  for (const line of text.split(/[\n,;]/).filter((each) => each.trim())) {
    const plain = line.normalize("NFC").replace(/\p{Pd}/gu, " ").replace(/[’‘‛ʼʻ՚׳´＇]/gu, "'");
    const upper = (turkish ? plain.replaceAll("i", "İ") : plain).toUpperCase().normalize("NFC");
    const spelt = (turkish ? upper : upper.replaceAll("İ", "I")).trim().split(/\s+/).join(" ");
    if ([...spelt].every((letter) => letters.has(letter))) words.push(spelt);
    else strangers.push(line.trim());
  }
  return { words: [...new Set(words)], strangers };
}

// A language model with more: its n-grams that end in a hotword gain `boost` nats.
export class Boosted extends LanguageModel {
  // `phrases` are of readHotwords; `newWord` is log10 P of a word that `lm` does not know.
  static of(lm, phrases, alphabet, boost, newWord) {
    const model = Object.assign(Object.create(Boosted.prototype), lm), order = lm.levels.length;
    const { first } = lm.levels.at(-1), size = lm.levels.at(-1).words?.words.length ?? lm.vocabulary;
    Object.assign(model, { total: first + size, added: [], at: new Map(), endings: new Map() });
    const letters = phrases.join("").length;
    for (const [name, Numbers] of Object.entries(NODES)) {
      model[name] = new Numbers(lm.nodes + letters);
      model[name].set(lm[name]);
    }
    const boosts = new Map(); // by the words' numbers
    const spelt = phrases.map((phrase) => phrase.split(" ").map((word) => model.numberOf(word, alphabet)));
    for (const words of spelt) boosts.set(words.slice(-order).join(), words.slice(-order));
    for (const word of spelt.flat()) if (word >= lm.vocabulary) boosts.set(`${word}`, [word]);
    const ordered = [...boosts.values()].sort((a, b) => a.length - b.length);
    for (const words of ordered) model.list(words, newWord);
    for (const words of ordered) {
      const last = words.at(-1), others = model.endings.get(last) ?? [];
      model.endings.set(last, [...others, { words, log10: boost / Math.LN10 }]);
    }
    for (const phrase of new Set(phrases.flatMap((each) => each.split(" ")))) model.raise(phrase, alphabet);
    return model;
  }

  // The number of a word; a new one gets the next, and its letters become nodes of the tree.
  numberOf(word, alphabet) {
    let node = 0;
    for (const letter of word) {
      const label = alphabet.indexOf(letter);
      let next = this.child(node, label);
      if (next === NONE) {
        next = this.addNode(label, this.first[node]);
        this.first[node] = next;
      }
      node = next;
    }
    if (this.wordAt[node] === NONE) this.wordAt[node] = this.vocabulary + (this.news = (this.news ?? -1) + 1);
    return this.wordAt[node];
  }

  // Lists an n-gram and its beginnings, each with the probability that backing off gave it before.
  list(words, newWord) {
    let context = 0;
    for (const word of words) {
      let state = this.next(context, word);
      if (state === NONE) {
        const log10 = context ? this.score(context, word) : newWord;
        state = this.total + this.added.push({ context, word, log10, length: this.lengthOf(context) + 1 }) - 1;
        this.at.set(context * SHIFT + word, state);
      }
      context = state;
    }
  }

  // The look-ahead of a word's beginnings is at least what the word now has.
  raise(word, alphabet) {
    const log10 = this.logProbOf(this.next(0, this.numberOf(word, alphabet)));
    let node = 0;
    this.best[0] = Math.max(this.best[0], log10);
    for (const letter of word) {
      node = this.child(node, alphabet.indexOf(letter));
      this.best[node] = Math.max(this.best[node], log10);
    }
  }

  // ---- what the search asks

  next(state, word) {
    const added = this.at.get(state * SHIFT + word);
    return added ?? (state < this.total && word < this.vocabulary ? super.next(state, word) : NONE);
  }

  lengthOf(state) {
    return state < this.total ? super.lengthOf(state) : this.added[state - this.total].length;
  }

  logProbOf(state) {
    const log10 = state < this.total ? super.logProbOf(state) : this.added[state - this.total].log10;
    const endings = this.endings.get(this.parts(state).word);
    if (!endings) return log10;
    const words = this.wordsOf(state);
    const ends = (phrase) => phrase.every((word, i) => word === words[words.length - phrase.length + i]);
    return endings.reduce((sum, each) => (ends(each.words) ? sum + each.log10 : sum), log10);
  }

  backoffOf(state) {
    return state < this.total ? super.backoffOf(state) : 0;
  }

  parts(state) {
    return state < this.total ? super.parts(state) : this.added[state - this.total];
  }

  wordsOf(state) {
    const words = [];
    for (; state; state = this.parts(state).context) words.unshift(this.parts(state).word);
    return words;
  }
}
