// All the computing, in a thread of its own, so that the page never stutters. One worker and no shared memory: that
// would need two headers that simple web servers, GitHub Pages among them, cannot send.

import { spoiled } from "./effects.js";
import { Recogniser } from "./recogniser.js";
import { Resampler } from "./resample.js";
import { pause } from "./windows.js";

const FORMAT = 1; // of recogniser.json
let settings, recogniser, live = null;

// The bytes of a file. Some servers label .gz so that the browser unpacks it, others do not: so look at the bytes.
async function fetched(name, report) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  const counted = response.body.pipeThrough(new TransformStream({
    transform(chunk, controller) {
      report(chunk.length);
      controller.enqueue(chunk);
    },
  }));
  const bytes = new Uint8Array(await new Response(counted).arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

// Calls `use`; its error names the file.
async function named(name, use) {
  try {
    return await use();
  } catch (error) {
    throw new Error(`${name} is missing or damaged (${error.message}). Reload the page.`);
  }
}

async function readSettings() {
  const read = JSON.parse(new TextDecoder().decode(await fetched("recogniser.json", () => {})));
  if (read?.format !== FORMAT) throw new Error("it is of another version");
  return read;
}

async function load() {
  settings = await named("recogniser.json", readSettings);
  const total = Object.values(settings.bytes).reduce((sum, bytes) => sum + bytes, 0);
  let seen = 0;
  const report = (bytes) => postMessage({ kind: "progress", share: Math.min(1, (seen += bytes) / total) });
  const names = [settings.engine, settings.network, settings.language_model].filter(Boolean);
  const [wasm, model, lm] = await Promise.all(names.map((name) => named(name, () => fetched(name, report))));
  const both = `${settings.engine} or ${settings.network}`;
  recogniser = await named(both, () => Recogniser.create(settings, wasm, model));
  if (lm) await named(settings.language_model, () => recogniser.useLanguageModel(lm));
  postMessage({ kind: "ready", settings });
}

// The picture first: it comes at once, the words take longer.
function recognise(samples, kind, turn, changed = false) {
  const start = performance.now();
  postMessage({ kind: "picture", turn, mel: recogniser.features.logMel(samples), seconds: seconds(samples.length) });
  const heard = performance.now();
  const report = (share) => kind === "result" && postMessage({ kind: "progress", share });
  const logProbs = recogniser.logProbs(samples, report), listened = performance.now();
  const found = recogniser.decode(logProbs);
  const times = { picture: heard - start, network: listened - heard, search: performance.now() - listened };
  postMessage({ kind, turn, samples, changed, logProbs, times, seconds: seconds(samples.length), ...found });
  return found;
}

const seconds = (samples) => samples / settings.features.sample_rate;

// What the microphone hears. The text of everything before the last clear pause is settled; what came since then is
// recognised anew each time, because the network reads a sentence in both directions.
class Live {
  constructor(rate, turn) {
    this.turn = turn; // of the page's sounds: it comes back with every answer
    this.resampler = new Resampler(rate, settings.features.sample_rate);
    this.samples = new Float32Array(settings.features.sample_rate);
    this.length = this.start = 0;
    this.settled = [];
  }

  hear(block) {
    this.keep(this.resampler.push(block));
  }

  keep(samples) {
    if (this.length + samples.length > this.samples.length) {
      const longer = new Float32Array(2 * (this.length + samples.length));
      longer.set(this.samples);
      this.samples = longer;
    }
    this.samples.set(samples, this.length);
    this.length += samples.length;
  }

  look() {
    const { early_samples, window_samples } = settings.windows;
    let stretch = this.samples.slice(this.start, this.length);
    const cut = stretch.length > early_samples / 4 && pause(stretch, settings, stretch.length < window_samples);
    const end = cut || (stretch.length > window_samples ? window_samples : 0); // of what is settled now
    if (end) {
      this.settled.push(recogniser.decode(recogniser.logProbs(stretch.subarray(0, end))).text);
      this.start += end;
      stretch = stretch.slice(end);
    }
    postMessage({ kind: "settled", text: this.settled.filter(Boolean).join(" ") });
    if (stretch.length >= settings.features.sample_rate / 2) recognise(stretch, "partial", this.turn);
    else postMessage({ kind: "waiting" });
  }

  end() {
    this.keep(this.resampler.end());
    recognise(this.samples.slice(0, this.length), "result", this.turn);
  }
}

const answers = {
  load,
  recognise: ({ samples, effects, turn }) => {
    const changed = Object.keys(effects).length > 0;
    const heard = changed ? spoiled(samples, effects, settings.features.sample_rate) : samples;
    recognise(heard, "result", turn, changed);
  },
  begin: ({ rate, turn }) => (live = new Live(rate, turn)),
  block: ({ samples }) => live.hear(samples),
  look: () => live.look(),
  end: () => live.end(),
};

onmessage = async ({ data }) => {
  try {
    await answers[data.kind](data);
  } catch (error) {
    postMessage({ kind: "error", message: error.message });
  }
};
