// The beam: the best texts so far after each frame, and what their sound and their language add to their scores.

import { stepper } from "./stepper.js";

const LONGEST = 28; // letters of a text that are shown, its last ones

// Shows in `host` what a search kept: `frames` is a list of [{text, sound, language}], best first, in nats; `seconds`
// is the moment of the first frame, `frameSeconds` a frame's length. Returns a function that shows other data there.
export function candidates(host, data) {
  host.classList.add("candidates");
  host.innerHTML = `<table><thead><tr><th scope="col">Text so far</th><th scope="col">Behind the best</th>
      <th scope="col">Sound</th><th scope="col">Language</th></tr></thead><tbody></tbody></table><div></div>`;
  const body = host.querySelector("tbody");
  let shown;

  const show = (frame) => {
    const texts = shown.frames[frame];
    body.replaceChildren(...texts.map((each) => row(each, texts)));
    const [best] = texts, moment = (shown.seconds + frame * shown.frameSeconds).toFixed(2);
    return `Frame ${frame + 1} of ${shown.frames.length}, ${moment} s: first is ${best.text.trim() || "no letter yet"}.`;
  };
  const go = stepper(host.lastElementChild, "Frame", "Frame of the beam", show);
  const use = (next) => {
    shown = next;
    go(shown.frames.length - 1, shown.frames.length);
  };
  use(data);
  return use;
}

// A text's loss against the best one, as a bar: its sound's part and its language's. One of them may be a gain.
function row({ text, sound, language }, texts) {
  const [best] = texts, total = (each) => each.sound + each.language;
  const most = Math.max(1, ...texts.map((each) => total(best) - total(each)));
  const cells = [0, 0, 0, 0].map(() => document.createElement("td")), line = document.createElement("tr");
  const tail = [...text.trimStart()], behind = total(best) - total({ sound, language });
  const letters = tail.slice(-LONGEST).join("").replace(/ $/, "␣") || "(nothing yet)";
  cells[0].textContent = (tail.length > LONGEST ? "…" : "") + letters;
  const bar = document.createElement("span"), number = document.createElement("span");
  bar.className = "candidates-bar";
  bar.style.width = `${Math.max(0, (100 * behind) / most)}%`;
  number.textContent = behind ? `${behind.toFixed(1)} nats` : "the best";
  cells[1].append(bar, number);
  cells[2].textContent = sound.toFixed(1);
  cells[3].textContent = language.toFixed(1);
  line.append(...cells);
  return line;
}
