// The letters beside their rows: a list for the mouse, the keyboard and the screen reader.

import { ROW } from "./picture.js";

const BLANK = "–", SPACE = "␣"; // how the two silent classes are written
const NAMES = { [SPACE]: "space", "'": "apostrophe", [BLANK]: "blank, no letter" };
let lists = 0; // in this document: ids must differ

export class LetterList {
  // `light` is called with the label under the mouse or -1, `tell` with one that the arrow keys choose, `play` at Enter.
  constructor(host, { light, tell, play }) {
    Object.assign(this, { host, id: `instrument-${++lists}-letter` });
    const options = () => [...host.children];
    host.onpointerover = ({ target }) => light(options().indexOf(target));
    host.onpointerleave = host.onblur = () => light(-1);
    host.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step && event.key !== "Enter") return;
      event.preventDefault();
      const now = options().findIndex((each) => each.ariaSelected === "true");
      if (step) tell(Math.max(0, Math.min(host.children.length - 1, now + step)));
      else play();
    };
  }

  // Lists an alphabet and the blank, from `top` pixels on.
  make(alphabet, top) {
    const signs = [...alphabet].map((letter) => (letter === " " ? SPACE : letter));
    this.host.hidden = !signs.length;
    this.host.style.setProperty("--row", `${ROW}px`);
    this.host.style.paddingTop = `${top}px`;
    this.host.replaceChildren(...[...signs, BLANK].map((sign, label) => {
      const option = document.createElement("div");
      option.role = "option";
      option.id = `${this.id}-${label}`;
      option.textContent = sign;
      option.ariaLabel = NAMES[sign] ?? sign;
      return option;
    }));
  }

  select(label) {
    [...this.host.children].forEach((option, i) => (option.ariaSelected = String(i === label)));
    this.host.setAttribute("aria-activedescendant", label < 0 ? "" : `${this.id}-${label}`);
  }

  name(label) {
    return this.host.children[label]?.ariaLabel;
  }
}
