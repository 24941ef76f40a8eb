// The spectrogram bench: the browser computes the spectrograms of the sliders; the kernel aligns the words once, and
// turns the mel bins back into a sound.

import { Features } from "../../web/static/features.js";
import { melTicks } from "../../web/static/instrument.js";
import { begin, element, menu, pcm, slider } from "./notebook.js";

const MILLISECOND = 16; // samples
const HEIGHTS = [150, 190];
const HERTZ = [8000, 4000, 2000, 1000];

// Of powers: what is drawn, and the numbers of the first and the last colour.
const SCALES = {
  "log power": (powers, floor) => ({ values: powers.map((power) => Math.log(power + floor)), low: -10, high: 4 }),
  dB: (powers) => {
    const peak = most(powers);
    return { values: powers.map((power) => 10 * Math.log10(power / peak + 1e-10)), low: -70, high: 0 };
  },
  power: (powers) => ({ values: powers, low: 0, high: most(powers) / 2 }),
};

const most = (numbers) => numbers.reduce((high, each) => Math.max(high, each), 0);

// The power spectrogram (frames, fft / 2 + 1) and the mel spectrogram (frames, mels) of `samples`.
export function spectra(samples, settings) {
  const computed = new Features(settings), frames = 1 + Math.floor(samples.length / settings.hop);
  const bins = settings.fft / 2 + 1, { mels: count } = settings;
  const power = new Float32Array(frames * bins), mels = new Float32Array(frames * count);
  computed.eachPower(samples, (frame, t) => {
    power.set(frame, t * bins);
    for (let mel = 0; mel < count; mel++) mels[t * count + mel] = computed.band(frame, mel);
  });
  const empty = computed.filters.filter(({ weights }) => !weights.length).length;
  return { power, mels, empty };
}

// Each column of (frames, count) at mean 0 and deviation 1.
function normalized(values, count, floor) {
  const frames = values.length / count, made = new Float32Array(values.length);
  for (let mel = 0; mel < count; mel++) {
    let sum = 0, squares = 0;
    for (let t = 0; t < frames; t++) sum += values[t * count + mel];
    for (let t = 0; t < frames; t++) squares += (values[t * count + mel] - sum / frames) ** 2;
    const spread = Math.sqrt(squares / frames) + floor;
    for (let t = 0; t < frames; t++) made[t * count + mel] = (values[t * count + mel] - sum / frames) / spread;
  }
  return made;
}

function render({ model, el }) {
  el.classList.add("bench");
  const state = structuredClone(model.get("setting")), numbers = model.get("settings").features;
  const facts = element("p", { className: "bench-facts", ariaLive: "polite" });
  const fft = menu("FFT", [256, 512, 1024, 2048].map((each) => [each, each]), (value) => tell({ fft: Number(value) }), 512);
  const tick = element("input", { type: "checkbox" }), sliders = element("div", { className: "bench-sliders" });
  tick.onchange = () => tell({ normalized: tick.checked });
  const colours = menu("colours", Object.keys(SCALES).map((each) => [each, each]), (scale) => tell({ scale }));
  const clips = menu("clip", model.get("clips").map((each, i) => [each, i]), (clip) => tell({ clip: Number(clip) }));
  for (const [key, each] of Object.entries(model.get("panel"))) {
    sliders.append(slider(each, (value) => tell({ [key]: value })));
  }
  const normal = element("label", {}, tick, " normalise each mel bin");
  el.append(clips, sliders, element("div", { className: "bench-row" }, fft, colours, normal), facts);
  const { instrument, version, end } = begin({ model, el });
  instrument.recordedButton.textContent = "A recorded";
  instrument.changedButton.textContent = "B from the mel bins alone";
  let clip = null, played = {}; // what was recorded, and what the mel bins were turned back into

  function tell(change) {
    Object.assign(state, change, { turn: state.turn + 1 });
    const window = state.window * MILLISECOND;
    state.note = "";
    if (window > state.fft) { // the FFT follows the window
      const wanted = state.fft;
      while (state.fft < window) state.fft *= 2;
      state.note = `FFT ${state.fft}, not ${wanted}: it must hold the window's ${window} samples`;
      fft.querySelector("select").value = state.fft;
    }
    model.set("setting", structuredClone(state));
    model.save_changes();
    draw();
  }

  function draw() {
    if (!clip || model.get("recorded").clip !== state.clip) return;
    const { fft: size, mels: count } = state, [window, hop] = [state.window, state.hop].map((ms) => ms * MILLISECOND);
    const settings = { ...numbers, window, hop, fft: size, mels: count }, { log_floor, sample_rate } = numbers;
    const { power, mels, empty } = spectra(clip.samples, settings), scale = SCALES[state.scale];
    let shown = scale(mels, log_floor);
    if (state.normalized) shown = { values: normalized(shown.values, count, numbers.std_floor), low: -2, high: 4 };
    const hopSeconds = hop / sample_rate, share = (hz) => (2 * hz) / sample_rate;
    const ticks = HERTZ.map((hz, i) => [share(hz), i ? `${hz / 1000}` : "8 kHz"]);
    const pictures = [
      { ...scale(power, log_floor), rows: size / 2 + 1, hopSeconds, ticks, height: HEIGHTS[0] },
      { ...shown, rows: count, hopSeconds, ticks: melTicks(count, sample_rate), height: HEIGHTS[1] },
    ];
    const back = played.turn === state.turn; // else it is the sound of another setting
    const shownNow = back ? { samples: played.samples, pictures } : { pictures };
    instrument.show({ ...clip, ...shownNow, recorded: back ? { ...clip, pictures } : null });
    const said = [
      `${Math.round(2000 / state.window)} Hz: closer tones merge`,
      `${state.window} ms: closer bursts merge`,
      `${Math.floor((count * sample_rate) / hop)} numbers a second`,
    ];
    const warnings = [empty && `${empty} of ${count} filters are empty: they fall between two frequencies`, state.note];
    facts.replaceChildren(said.join(" · "), ...warnings.filter(Boolean).flatMap((each) => [" · ", element("b", {}, each)]));
  }

  function load() {
    clip = version(model.get("recorded"));
    draw();
  }

  function hear() {
    const { turn, samples } = model.get("played");
    if (!samples) return;
    played = { turn, samples: pcm(samples) };
    draw();
  }

  model.on("change:recorded", load);
  model.on("change:played", hear);
  load();
  hear();
  return () => {
    model.off("change:recorded", load);
    model.off("change:played", hear);
    end();
  };
}

export default { render };
