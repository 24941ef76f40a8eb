// Sound from a file or from the microphone.

const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false }; // as the network learnt it
const START_SECONDS = 5;
const REFUSALS = {
  NotAllowedError: "The browser may not use the microphone. Allow it beside the page's address, or open a sound file.",
  NotFoundError: "No microphone was found. Plug one in, or open a sound file.",
  NotReadableError: "Another program is using the microphone. Close that program, or open a sound file.",
};
const NO_TLS =
  "A browser gives the microphone only to pages with an https address, or to localhost. A sound file works here too.";

// The samples of a file, mono at `rate`. A context of this rate has the browser resample what it decodes.
export async function decode(blob, name, rate) {
  let sound;
  try {
    sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await blob.arrayBuffer());
  } catch {
    throw new Error(`${name}: this browser cannot read it as sound. Save it as WAV, FLAC or MP3.`);
  }
  const mono = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((value, i) => (mono[i] += value / sound.numberOfChannels));
  }
  return mono;
}

const late = (seconds) =>
  new Promise((_, reject) => setTimeout(reject, 1000 * seconds, new Error("the browser's sound does not start")));

// The microphone from start() to stop(): `hear` gets a block of samples every tenth of a second. `lost` is called when
// the microphone itself ends.
export class Microphone {
  // The context comes into being before anything is awaited: iOS lets one run only if the tap itself made it. It keeps
  // its own rate, because Firefox connects a microphone to no other.
  async start(begin, hear, lost) {
    if (!navigator.mediaDevices) throw new Error(NO_TLS);
    this.context = new AudioContext();
    try {
      const module = this.context.audioWorklet.addModule("microphone.js");
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: PLAIN });
      await module;
      await Promise.race([this.context.resume(), late(START_SECONDS)]); // without a loudspeaker, Firefox waits for ever
    } catch (error) {
      this.stop();
      throw new Error(REFUSALS[error.name] ?? `The microphone cannot be used (${error.message}). Open a sound file.`);
    }
    for (const track of this.stream.getAudioTracks()) track.onended = lost;
    begin(this.context.sampleRate);
    this.node = new AudioWorkletNode(this.context, "microphone", { numberOfOutputs: 0 });
    this.node.port.onmessage = ({ data }) => hear(data);
    this.context.createMediaStreamSource(this.stream).connect(this.node);
  }

  stop() {
    if (this.node) this.node.port.onmessage = null;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context.close();
  }
}
