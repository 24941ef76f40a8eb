// Sends the microphone's sound to Python in blocks of 100 ms, and shows what Python answers: columns of a spectrogram,
// and words. An AudioWorklet collects the blocks: unlike the page, it never waits.

import { melTicks } from "../../web/static/instrument.js";
import { begin, element, floats, pcm } from "./notebook.js";

const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const INSTEAD = "Press “play a reading” instead.";
const REFUSALS = {
  NotAllowedError: `The browser was not allowed to use the microphone (its permission sits beside the address). ${INSTEAD}`,
  NotFoundError: `No microphone was found. ${INSTEAD}`,
  NotReadableError: `Another program holds the microphone. Close it. Or: ${INSTEAD.toLowerCase()}`,
};
const COLLECTOR = `registerProcessor("asr-blocks", class extends AudioWorkletProcessor {
  block = new Int16Array(Math.round(sampleRate / 10)); filled = 0;
  process([channels]) {
    for (let i = 0; channels.length && i < channels[0].length; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      const value = Math.round((32768 * sum) / channels.length);
      this.block[this.filled++] = Math.max(-32768, Math.min(32767, value));
      if (this.filled < this.block.length) continue;
      this.port.postMessage(this.block);
      this.block = new Int16Array(this.block.length);
      this.filled = 0;
    }
    return true;
  }
});`;
const SECONDS = 12; // that the picture holds
const BLOCKS = 10 * SECONDS; // of 100 ms
const COLOURS = { low: -10, high: 4 }; // natural logarithms of powers: loudness does not change while one speaks

function render({ model, el }) {
  el.classList.add("bench", "live");
  const button = (text, title) => element("button", { type: "button", title }, text);
  const speak = button("● speak", "start or stop listening to the microphone");
  const play = button("▶ play a reading", "listen to a recording instead");
  const input = element("input", { type: "text", spellcheck: false, placeholder: "Bartley, Count Orsino",
    title: "separated by commas; used from the next start" });
  const names = element("label", { className: "bench-menu" }, element("span", {}, "names it should know"), input);
  el.append(element("div", { className: "bench-row" }, speak, play, names));
  const { instrument, features, end } = begin({ model, el });
  const span = (className, properties = {}) => element("span", { className, ...properties });
  const [final, black, grey] = [span("final", { ariaLive: "polite" }), span("black"), span("grey")];
  const captions = element("div", { className: "captions", tabIndex: 0, role: "region", ariaLabel: "captions" });
  captions.append(final, black, " ", grey);
  const status = element("div", { className: "bench-facts", role: "status", ariaLive: "polite" });
  el.append(captions, status);
  const { mels, hop, sample_rate } = features.settings, most = (SECONDS * sample_rate) / hop; // columns
  let columns = new Float32Array(0), blocks = []; // of the last seconds: the picture and the sound
  let drawing = 0;
  let session = null; // while it listens: the audio context and what ends it
  let asking = false; // for the microphone
  let waiting = 0; // blocks without an answer
  let times = []; // that the answers took, in ms
  let remark = ""; // on names that cannot be used

  const say = (text) => (status.textContent = [text, remark].filter(Boolean).join(" "));
  say("Black words stay (they are white on a dark page). Grey ones may still change. Doubtful ones are underlined.");
  input.value = model.get("hotwords");
  input.onkeydown = (event) => event.stopPropagation(); // or JupyterLab takes letters for commands
  input.onchange = () => {
    model.set("hotwords", input.value);
    model.save_changes();
  };
  play.hidden = !model.get("example").byteLength;

  function send(content, ...buffers) {
    try {
      model.send(content, undefined, buffers);
      waiting++;
    } catch {
      stop();
      say("The kernel was restarted, so nothing here answers. Run the cell again.");
    }
  }

  // Most blocks complete no chunk, so the median says little: beside it stands what 95 % stay below.
  function took() {
    const sorted = [...times].sort((one, other) => one - other);
    const [half, most] = [0.5, 0.95].map((share) => sorted[Math.floor(share * (sorted.length - 1))].toFixed(0));
    return `${half} ms (95 %: ${most} ms)`;
  }

  function words(place, list, doubtful) {
    place.replaceChildren();
    list.forEach(([text, doubt], i) => {
      const word = document.createElement("span");
      word.textContent = text;
      if (doubt) word.className = "doubt";
      place.append(i ? " " : "", word);
    });
    if (doubtful && list.length) place.append(" (?)");
  }

  function draw(more) {
    const kept = columns.subarray(Math.max(0, columns.length + more.length - most * mels));
    const joined = new Float32Array(kept.length + more.length);
    joined.set(kept);
    joined.set(more, kept.length);
    columns = joined;
    if (more.length && !drawing) drawing = requestAnimationFrame(show); // once for all that came since the last frame
  }

  function show() {
    drawing = 0;
    const picture = { values: columns, rows: mels, hopSeconds: hop / sample_rate, ticks: melTicks(mels, sample_rate) };
    const seconds = (columns.length / mels) * picture.hopSeconds;
    instrument.show({ pictures: [{ ...picture, ...COLOURS }], seconds, samples: null }, true);
  }

  // What was heard, to play: as much of it as the picture shows.
  function keep(rate) {
    cancelAnimationFrame(drawing);
    show();
    const sound = pcm(new Int16Array(blocks.flatMap((block) => [...new Int16Array(block)])));
    const seconds = Math.min(columns.length / mels * hop / sample_rate, sound.length / rate);
    instrument.show({ samples: sound.slice(sound.length - Math.round(seconds * rate)), sampleRate: rate, seconds });
  }

  function answered(answer, buffers) {
    waiting = Math.max(0, waiting - 1);
    if (answer.problem) {
      if (!session) return; // the first problem has ended it
      stop();
      return say(answer.problem);
    }
    if (answer.ready) {
      remark = answer.remark && `(${answer.remark})`;
      return;
    }
    for (const line of answer.finals) {
      const place = document.createElement("div");
      place.className = line.doubtful ? "grey" : "";
      words(place, line.words, line.doubtful);
      final.append(place);
    }
    if (answer.shown) {
      words(black, answer.shown.black);
      words(grey, answer.shown.grey, answer.shown.doubtful);
    }
    if (answer.finals.length || answer.shown) captions.scrollTop = captions.scrollHeight;
    draw(floats(buffers[0]));
    times.push(answer.ms);
    const behind = waiting > 5 ? `, and is ${(waiting / 10).toFixed(1)} s behind` : "";
    if (session) say(`Listening: the kernel answers in ${took()}${behind}.`);
    if (!answer.ended) return;
    keep(answer.rate);
    say(`Stopped: the kernel answered in ${took()}.`);
  }

  async function listen(source) {
    if (asking) return;
    if (session) return stop();
    asking = true;
    try {
      await open(source);
    } catch (error) {
      stop();
      say(REFUSALS[error.name] ?? `The microphone cannot be used (${error.name}). ${INSTEAD}`);
    } finally {
      asking = false;
    }
  }

  async function open(source) {
    if (source === speak && !navigator.mediaDevices) {
      return say(`This page may not use a microphone: it is neither on localhost nor served with https. ${INSTEAD}`);
    }
    const stream = source === speak ? await navigator.mediaDevices.getUserMedia({ audio: PLAIN }) : null;
    const context = new AudioContext();
    session = { context, stream, source };
    const code = URL.createObjectURL(new Blob([COLLECTOR], { type: "text/javascript" }));
    await context.audioWorklet.addModule(code);
    URL.revokeObjectURL(code);
    const collector = new AudioWorkletNode(context, "asr-blocks", { numberOfOutputs: 0 });
    [times, waiting, remark] = [[], 0, ""];
    [final, black, grey].forEach((place) => place.replaceChildren());
    [columns, blocks] = [new Float32Array(0), []];
    instrument.stop();
    send({ kind: "begin", rate: context.sampleRate, hotwords: input.value });
    collector.port.onmessage = ({ data }) => {
      if (session?.context !== context) return;
      blocks = [...blocks.slice(-BLOCKS), data.buffer];
      send({ kind: "block" }, data.buffer);
    };
    if (stream) context.createMediaStreamSource(stream).connect(collector);
    else playing(context).connect(collector);
    source.textContent = "■ stop";
    say("Listening.");
  }

  function playing(context) {
    const bytes = model.get("example");
    const samples = Float32Array.from({ length: bytes.byteLength / 2 }, (_, i) => bytes.getInt16(2 * i, true) / 32768);
    const sound = context.createBuffer(1, samples.length, 16000);
    sound.copyToChannel(samples, 0);
    const node = new AudioBufferSourceNode(context, { buffer: sound });
    node.connect(context.destination);
    node.onended = () => session?.context === context && setTimeout(() => session?.context === context && stop(), 200);
    node.start();
    return node;
  }

  function stop() {
    if (!session) return;
    const { context, stream, source } = session;
    session = null;
    stream?.getTracks().forEach((track) => track.stop());
    context.close();
    source.textContent = source === speak ? "● speak" : "▶ play a reading";
    send({ kind: "end" });
  }

  speak.onclick = () => listen(speak);
  play.onclick = () => listen(play);
  model.on("msg:custom", answered);
  return () => {
    model.off("msg:custom", answered);
    stop();
    end();
  };
}

export default { render };
