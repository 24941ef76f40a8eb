// The words under their sound, each a button that plays it; doubtful ones are underlined.

const HEIGHT = 30; // of a row, in CSS pixels

export class WordRow {
  // `play` is called with a word that is pressed.
  constructor(host, play) {
    Object.assign(this, { host, play, measure: new OffscreenCanvas(1, 1).getContext("2d") });
    this.measure.font = "14px system-ui";
  }

  // Places `words`; `at` says how far along a moment lies. A word that would cover its neighbour goes one row down.
  place(words, doubtful, at) {
    const ends = [];
    this.host.replaceChildren(...words.map((word) => {
      const left = at(word.start), needed = this.measure.measureText(word.text).width + 8;
      let row = ends.findIndex((end) => end <= left);
      if (row < 0) row = ends.length;
      ends[row] = left + Math.max(at(word.end - word.start), needed) + 2;
      const button = this.button(word, word.probability < doubtful);
      button.style.left = `${left}px`;
      button.style.minWidth = `${at(word.end - word.start)}px`;
      button.style.top = `${row * HEIGHT}px`;
      return button;
    }));
    this.host.style.height = words.length ? `${ends.length * HEIGHT}px` : "";
  }

  button(word, doubt) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word.text;
    button.classList.toggle("instrument-doubt", doubt);
    button.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take its keys
    const sure = word.probability === undefined ? "" : `, probably right: ${Math.round(100 * word.probability)} %`;
    button.title = `${word.start.toFixed(2)} to ${word.end.toFixed(2)} s${sure}`;
    button.ariaLabel = `${word.text}, ${word.start.toFixed(1)} seconds${doubt ? ", in doubt" : ""}. Play`;
    button.onclick = () => this.play(word);
    return button;
  }

  // Marks the word that sounds; -1 is none.
  mark(now) {
    [...this.host.children].forEach((button, i) => (button.ariaCurrent = String(i === now)));
  }
}
