// What the widgets of the notebooks share: an instrument, sounds from the kernel, sliders, and a line for problems.

import { Features } from "../../web/static/features.js";
import { Instrument } from "../../web/static/instrument.js";

const GONE = "The kernel was restarted, so nothing here answers. Run the cell again.";
const PCM = 32768;

const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

export const floats = (view) => new Float32Array(bytes(view));

export const pcm = (view) => Float32Array.from(new Int16Array(bytes(view)), (sample) => sample / PCM);

// Puts an instrument into `el`. Returns {instrument, features, version, end}: `version` makes of what the kernel sends
// what the instrument shows, and `end` tidies up.
export function begin({ model, el }) {
  const { alphabet, doubtful, features: numbers } = model.get("settings"), features = new Features(numbers);
  const host = document.createElement("div"), problem = document.createElement("b");
  problem.role = "alert";
  el.append(host, problem);
  const instrument = new Instrument(host), frame = numbers.hop / numbers.sample_rate;
  instrument.show({
    alphabet: [...alphabet],
    doubtful,
    mels: numbers.mels,
    sampleRate: numbers.sample_rate,
    hopSeconds: frame,
    frameSeconds: frame * numbers.time_pooling,
  });
  const complain = () => (problem.textContent = model.get("problem"));
  const gone = () => (problem.textContent = GONE);
  model.on("change:problem", complain);
  model.on("comm_live_update", gone);
  complain();
  return {
    instrument,
    features,
    version: ({ samples, log_probs, words }) => {
      const sound = pcm(samples);
      return { ...seen(sound, features), logProbs: floats(log_probs), words };
    },
    end: () => {
      instrument.remove();
      model.off("change:problem", complain);
      model.off("comm_live_update", gone);
    },
  };
}

// Samples and their picture, before anything is recognised.
export function seen(samples, features) {
  const none = { logProbs: new Float32Array(0), words: [], pictures: null };
  return { samples, mel: features.logMel(samples), seconds: samples.length / features.settings.sample_rate, ...none };
}

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  if (["BUTTON", "INPUT", "SELECT", "SUMMARY"].includes(made.tagName)) made.dataset.lmSuppressShortcuts = "true";
  return made;
}

// A slider with its name and its value. `drawn` is the range that training draws from, or null: it is marked below.
export function slider({ low, high, step, first, name, tooltip, drawn }, changed) {
  const digits = (String(step).split(".")[1] ?? "").length;
  const input = element("input", { type: "range", min: low, max: high, step, value: first, ariaLabel: name });
  const output = element("output");
  const show = () => (output.textContent = Number(input.value).toFixed(digits));
  input.oninput = () => (show(), changed(Number(input.value)));
  show();
  const row = element("label", { className: "bench-slider", title: tooltip }, element("span", {}, name), input, output);
  if (drawn) {
    const share = (value) => (100 * (Math.max(low, Math.min(value, high)) - low)) / (high - low);
    const [from, to] = drawn.map(share), mark = element("i", { title: `training draws ${drawn[0]} to ${drawn[1]}` });
    mark.style.setProperty("--from", `${from}%`);
    mark.style.setProperty("--wide", `${Math.max(1, to - from)}%`);
    row.append(mark);
  }
  return row;
}

export function menu(name, options, changed, value = options[0][1]) {
  const select = element("select", { ariaLabel: name });
  select.append(...options.map(([text, each]) => new Option(text, each)));
  select.value = value;
  select.onchange = () => changed(select.value);
  return element("label", { className: "bench-menu" }, element("span", {}, name), select);
}
