// The instrument in a notebook: shows what the kernel sends. Buttons above it choose one of several changed sounds; below
// it, one may unfold what a beam search kept.

import { candidates } from "../../web/static/candidates.js";
import { begin, element } from "./notebook.js";

function render({ model, el }) {
  const { instrument, version, end } = begin({ model, el });
  const choice = element("div", { className: "bench-choice", role: "group", ariaLabel: "Which change B is" });
  let recorded, versions, chosen; // versions: {name: what the instrument shows}

  function choose(name) {
    chosen = name;
    for (const button of choice.children) button.ariaPressed = String(button.textContent === name);
    if (!name) return instrument.show({ ...recorded, recorded: null });
    instrument.changedButton.textContent = `B ${name}`;
    instrument.show({ ...versions[name], recorded });
  }

  const button = (name) => {
    const made = element("button", { type: "button", ariaPressed: "false" }, name);
    made.onclick = () => {
      instrument.hear(false); // who chooses a change wants to hear it
      choose(name);
    };
    return made;
  };

  const show = () => {
    recorded = version(model.get("recorded"));
    versions = Object.fromEntries(Object.entries(model.get("changed")).map(([name, each]) => [name, version(each)]));
    const names = Object.keys(versions);
    choice.replaceChildren(...(names.length > 1 ? names.map(button) : []));
    choose(names.includes(chosen) ? chosen : names[0]);
  };
  model.on("change:recorded change:changed", show);
  instrument.host.before(choice);
  show();
  if (model.get("beam").length) instrument.host.append(unfoldable(model));
  return () => {
    model.off("change:recorded change:changed", show);
    end();
  };
}

// The texts that the search kept, frame by frame.
function unfoldable(model) {
  const { hop, sample_rate, time_pooling } = model.get("settings").features, host = element("div");
  candidates(host, { frames: model.get("beam"), seconds: 0, frameSeconds: (hop * time_pooling) / sample_rate });
  for (const each of host.querySelectorAll("button, input")) each.dataset.lmSuppressShortcuts = "true";
  return element("details", { className: "instrument-beam" }, element("summary", {}, "The beam, frame by frame"), host);
}

export default { render };
