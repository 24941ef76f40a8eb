// Sends the microphone's sound to Python in blocks of 100 ms, and shows what Python answers: columns of a spectrogram,
// and words. An AudioWorklet collects the blocks: unlike the page, it never waits.

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
const STYLE = `
  .asr-live { border: 1px solid #8a8a8a; border-radius: 6px; padding: 0.8em; color: var(--jp-ui-font-color1, inherit) }
  .asr-live .row { display: flex; flex-wrap: wrap; gap: 0.6em 1em; align-items: center }
  .asr-live button { min-width: 7em; min-height: 2.2em }
  .asr-live label { flex: 1 1 16em; display: flex; gap: 0.5em; align-items: center }
  .asr-live input { flex: 1; min-width: 6em; min-height: 2em; font: inherit; color: inherit;
    background: var(--jp-layout-color1, canvas); border: 1px solid #8a8a8a }
  .asr-live canvas { display: block; width: 100%; height: 8em; margin: 0.8em 0; background: #000 }
  .asr-live .captions { font-size: 1.3em; line-height: 1.5; min-height: 3em; max-height: 9em; overflow-y: auto }
  .asr-live .grey { color: #767676 }
  .jp-mod-dark .asr-live .grey, [data-jp-theme-light="false"] .asr-live .grey { color: #a6a6a6 }
  .asr-live .doubt { text-decoration: underline dotted }
  .asr-live [role="status"] { min-height: 1.4em; opacity: 0.85 }`;
const COLUMNS = 800; // of 10 ms, that the picture holds
const BINS = 80;

function render({ model, el }) {
  el.innerHTML = `<style>${STYLE}</style>
    <div class="asr-live">
      <div class="row">
        <button class="jupyter-button speak" title="start or stop listening to the microphone">● speak</button>
        <button class="jupyter-button play" title="listen to a recording instead">▶ play a reading</button>
        <label>names it should know
          <input type="text" spellcheck="false" data-lm-suppress-shortcuts="true"
            placeholder="Bartley, Count Orsino" title="separated by commas; used from the next start"></label>
      </div>
      <canvas width="${COLUMNS}" height="${BINS}" role="img"
        aria-label="spectrogram of the last 8 seconds: time to the right, pitch upwards"></canvas>
      <div class="captions" tabindex="0" role="region" aria-label="captions">
        <span class="final" aria-live="polite"></span><span class="black"></span> <span class="grey"></span></div>
      <div role="status" aria-live="polite"></div>
    </div>`;
  const [speak, play, input, canvas] = [".speak", ".play", "input", "canvas"].map((name) => el.querySelector(name));
  const [captions, final, black, grey] = [".captions", ".final", ".black", ".grey"].map((name) => el.querySelector(name));
  const status = el.querySelector("[role=status]");
  const picture = canvas.getContext("2d");
  const colors = new Uint8Array(model.get("colors").buffer, model.get("colors").byteOffset);
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

  function draw(columns) {
    const count = Math.floor(columns.byteLength / BINS);
    if (!count) return;
    const image = picture.createImageData(count, BINS);
    for (let x = 0; x < count; x++) {
      for (let y = 0; y < BINS; y++) {
        const color = 3 * columns.getUint8(x * BINS + (BINS - 1 - y));
        const pixel = 4 * (y * count + x);
        for (let part = 0; part < 3; part++) image.data[pixel + part] = colors[color + part];
        image.data[pixel + 3] = 255;
      }
    }
    picture.drawImage(canvas, -count, 0);
    picture.putImageData(image, COLUMNS - count, 0);
  }

  model.on("msg:custom", (answer, buffers) => {
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
    draw(buffers[0]);
    times.push(answer.ms);
    const behind = waiting > 5 ? `, and is ${(waiting / 10).toFixed(1)} s behind` : "";
    if (session) say(`Listening: the kernel answers in ${took()}${behind}.`);
    if (answer.ended) say(`Stopped: the kernel answered in ${took()}.`);
  });

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
    send({ kind: "begin", rate: context.sampleRate, hotwords: input.value });
    collector.port.onmessage = ({ data }) => session?.context === context && send({ kind: "block" }, data.buffer);
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
  return () => stop();
}

export default { render };
