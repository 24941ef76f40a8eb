// The augmentation bench: the browser computes what its sliders do to the sound, so that picture and sound follow at
// once. The kernel sends chance (noise, places of gaps), computes the other effects, and recognises.

import { addNoise, frequencyMask, gaps, limit, reverb, roomResponse, speed } from "../../web/static/effects.js";
import { melTicks } from "../../web/static/instrument.js";
import { begin, element, floats, menu, seen, slider } from "./notebook.js";

const SECOND = 16000; // samples
const ROOM = 1.2; // of its reverberation time, as effects.py has it

// By name: what becomes of `samples`; `chance` is the kernel's, of the clip, the seed and the kind of noise.
const HERE = {
  noise: (samples, { snr_db }, chance) => addNoise(samples, floats(chance.noise), snr_db),
  reverb: (samples, { rt60, mix }, chance) => {
    const hiss = floats(chance.room).subarray(0, Math.round(ROOM * rt60 * SECOND));
    return reverb(samples, roomResponse(rt60, hiss, SECOND), mix);
  },
  speed: (samples, { factor }) => speed(samples, factor, SECOND),
  frequency_mask: (samples, { center, width }) => frequencyMask(samples, center, width, SECOND),
  gaps: (samples, { count, seconds }, chance) => {
    return gaps(samples, chance.gaps[seconds.toFixed(2)][count], Math.round(seconds * SECOND));
  },
};

function render({ model, el }) {
  el.classList.add("bench");
  const state = structuredClone(model.get("setting")), panels = model.get("panels");
  const words = element("div", { ariaLive: "polite" }), label = element("p", { className: "bench-facts" }), code = element("pre");
  const sliders = element("div", { className: "bench-sliders" }), chosen = element("div", { className: "bench-choice" });
  const seed = element("input", { type: "number", min: 0, max: 9999, value: state.seed, ariaLabel: "seed" });
  const roll = element("button", { type: "button", title: "take the next seed" }, "Roll again");
  const clips = model.get("clips").map((name, i) => [name, i]);
  const top = element("div", { className: "bench-row" });
  const kind = menu("kind", ["white", "pink", "babble"].map((each) => [each, each]), (value) => tell({ kind: value }));
  top.append(
    menu("clip", clips, (value) => tell({ clip: Number(value) })),
    element("label", { className: "bench-menu" }, element("span", {}, "seed"), seed), roll,
  );
  const listing = element("details", {}, element("summary", {}, "The code that makes these samples"), code);
  el.append(top, chosen, sliders);
  const { instrument, features, version, end } = begin({ model, el });
  el.append(words, label, listing);
  let recorded = null, local = null; // the clip, and what the browser has made of it

  // Goes to the kernel, and the sound changes at once where it can.
  function tell(change) {
    Object.assign(state, change, { turn: state.turn + 1 });
    model.set("setting", structuredClone(state));
    model.save_changes();
    compute();
  }

  function compute() {
    const { effect, kind: sound, seed: number, clip } = state, chance = model.get("chance");
    local = null;
    if (!HERE[effect] || chance.clip !== clip || chance.seed !== number || chance.kind !== sound) return;
    local = seen(limit(HERE[effect](recorded.samples, state.values[effect], chance)), features);
    instrument.show({ ...local, recorded });
  }

  function showPanel() {
    for (const button of chosen.children) button.ariaPressed = String(button.value === state.effect);
    const rows = Object.entries(panels[state.effect]).map(([key, each]) => {
      const first = state.values[state.effect][key];
      return slider({ ...each, first }, (value) => {
        state.values[state.effect][key] = value;
        tell({});
      });
    });
    const marked = Object.values(panels[state.effect]).some((each) => each.drawn);
    const note = element("div", {}, element("span", { className: "bench-drawn" }, "▬ "), "what training draws");
    sliders.replaceChildren(...(state.effect === "noise" ? [kind] : []), ...rows, ...(marked ? [note] : []));
  }

  function load() {
    if (model.get("chance").clip !== state.clip) return;
    recorded = version(model.get("recorded"));
    compute();
  }

  // What the kernel heard; an answer to an earlier setting comes too late.
  function answer() {
    const { turn, samples, log_probs, words: heard, diff, label: done, code: listed, features: both } = model.get("answer");
    if (turn !== state.turn || !recorded) return;
    words.innerHTML = diff;
    label.textContent = done && `changed by: ${done}`;
    code.textContent = listed;
    if (local) return instrument.show({ logProbs: floats(log_probs), words: heard });
    const [before, after] = (both ?? [null, null]).map((each) => each && [normal(floats(each))]);
    const changed = version({ samples, log_probs, words: heard });
    instrument.show({ ...changed, pictures: after, recorded: { ...recorded, pictures: before } });
  }

  // The picture of features, as the network reads them: deviations from each bin's mean.
  function normal(values) {
    const { mels, hop, sample_rate } = features.settings, ticks = melTicks(mels, sample_rate);
    return { values, rows: mels, hopSeconds: hop / sample_rate, low: -2, high: 4, ticks };
  }

  for (const [effect, tooltip] of Object.entries(model.get("effects"))) {
    const button = element("button", { type: "button", value: effect, title: tooltip }, effect.replaceAll("_", " "));
    button.onclick = () => {
      state.effect = effect;
      showPanel();
      tell({});
    };
    chosen.append(button);
  }
  seed.onchange = () => tell({ seed: Number(seed.value) });
  roll.onclick = () => {
    seed.value = (Number(seed.value) + 1) % 10000;
    seed.onchange();
  };
  model.on("change:chance", load);
  model.on("change:answer", answer);
  showPanel();
  load();
  answer();
  return () => {
    model.off("change:chance", load);
    model.off("change:answer", answer);
    end();
  };
}

export default { render };
