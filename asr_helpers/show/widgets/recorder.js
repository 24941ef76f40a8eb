// Sends speech from the microphone or from a file to Python: mono, 16 kHz, 16-bit integers.
// The browser decodes, because libsndfile reads neither WebM nor M4A.

const RATE = 16000;
const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const INSTEAD = "Choose or drop a sound file instead.";
const REFUSALS = {
  NotAllowedError: `The browser was not allowed to use the microphone (its permission sits beside the address). ${INSTEAD}`,
  NotFoundError: `No microphone was found. Plug one in, or: ${INSTEAD.toLowerCase()}`,
  NotReadableError: `Another program holds the microphone. Close it, or: ${INSTEAD.toLowerCase()}`,
};

// A context of this rate resamples what it decodes; several channels are averaged.
async function decode(blob) {
  const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
  const mono = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((value, i) => (mono[i] += value / sound.numberOfChannels));
  }
  return mono;
}

function integers(samples) {
  return Int16Array.from(samples, (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768))));
}

function render({ model, el }) {
  el.innerHTML = `
    <div class="asr-recorder" style="border:2px dashed #8a8a8a;border-radius:6px;padding:0.8em;display:flex;gap:1em;align-items:center;flex-wrap:wrap">
      <button class="jupyter-button" style="width:9em" title="start or stop recording from the microphone">● record</button>
      <meter min="0" max="1" high="0.95" value="0" title="how loud it is" style="width:8em"></meter>
      <label title="WAV, FLAC, MP3, Ogg, M4A: whatever this browser plays">or choose a sound file, or drop it here
        <input type="file" accept="audio/*,video/webm,.flac,.m4a" style="max-width:16em"></label>
      <span role="status" aria-live="polite" style="flex-basis:100%"></span>
    </div>`;
  const [zone, button, meter] = ["div", "button", "meter"].map((name) => el.querySelector(name));
  const [input, status] = ["input", "[role=status]"].map((name) => el.querySelector(name));
  let stop = null; // while recording: ends it
  let asking = false; // for the microphone: a second press does nothing. (A disabled button would lose the focus.)

  const say = (text) => (status.textContent = text);
  say(`Up to ${model.get("longest")} seconds.`);

  // Sends `integers` to Python. Without any, Python clears what it shows of an earlier recording.
  function send(name, ...buffers) {
    try {
      model.send({ name }, undefined, buffers);
      return true;
    } catch {
      say("The kernel was restarted, so nobody listens here. Run the cell again.");
      return false;
    }
  }

  async function take(blob, name) {
    if (!send(name)) return;
    say(`Reading ${name} …`);
    let samples;
    try {
      samples = await decode(blob);
    } catch {
      return say(`${name}: this browser cannot read it as sound. Save it as WAV, FLAC or MP3.`);
    }
    const seconds = samples.length / RATE;
    if (seconds > model.get("longest")) {
      return say(`${name}: ${seconds.toFixed(0)} seconds are too long. Cut it to ${model.get("longest")} or fewer.`);
    }
    if (send(name, integers(samples).buffer)) say(`${name}: ${seconds.toFixed(1)} seconds.`);
  }

  async function record() {
    if (!navigator.mediaDevices) {
      return say(`This page may not use a microphone: it is neither on localhost nor served with https. ${INSTEAD}`);
    }
    if (asking) return;
    asking = true;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: PLAIN });
    } catch (error) {
      return say(REFUSALS[error.name] ?? `The microphone cannot be used (${error.name}). ${INSTEAD}`);
    } finally {
      asking = false;
    }
    const recorder = new MediaRecorder(stream);
    const parts = [];
    const context = new AudioContext();
    const listener = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(listener);
    const wave = new Float32Array(listener.fftSize);
    const start = performance.now();
    const clock = setInterval(() => {
      listener.getFloatTimeDomainData(wave);
      meter.value = wave.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0);
      const seconds = (performance.now() - start) / 1000;
      say(`Recording: ${seconds.toFixed(0)} s`);
      if (seconds > model.get("longest") - 1) stop();
    }, 100);
    stop = () => {
      stop = null;
      clearInterval(clock);
      if (recorder.state !== "inactive") recorder.stop();
      stream.getTracks().forEach((track) => track.stop());
      context.close();
      meter.value = 0;
      button.textContent = "● record";
    };
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      stop?.(); // where the microphone was pulled out, the recorder has stopped of itself
      take(new Blob(parts, { type: recorder.mimeType }), "recording");
    };
    recorder.start();
    button.textContent = "■ stop";
  }

  button.onclick = () => (stop ? stop() : record());
  input.onchange = () => input.files.length && take(input.files[0], input.files[0].name);
  zone.ondragover = (event) => event.preventDefault();
  zone.ondrop = (event) => {
    event.preventDefault();
    event.stopPropagation(); // or JupyterLab uploads the file, too
    const file = event.dataTransfer.files[0];
    if (file) take(file, file.name);
  };
  return () => stop?.();
}

export default { render };
