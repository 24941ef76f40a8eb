// The network: engine.wasm computes, model.bin holds its weights.

const FORMAT = 1; // of model.bin

export class Engine {
  static async create(wasm, model, { mels, time_pooling }, classes) {
    const [format, its, , , , , letters] = new Uint32Array(model.buffer, model.byteOffset, 8);
    if (format !== FORMAT || its !== mels || letters !== classes) throw new Error("it is another network");
    const { instance } = await WebAssembly.instantiate(wasm, {});
    const engine = new Engine();
    Object.assign(engine, { exports: instance.exports, mels, pooling: time_pooling, classes });
    const address = engine.exports.place(model.length);
    new Uint8Array(engine.exports.memory.buffer).set(model, address); // taken again after each call: the memory may grow
    return engine;
  }

  // Returns log-probabilities (frames / pooling, classes) for features (frames, mels).
  logProbs(features) {
    const frames = features.length / this.mels, { input, run, memory } = this.exports;
    const address = input(frames);
    new Float32Array(memory.buffer).set(features, address / 4);
    const logits = run(address, frames, this.classes), rows = Math.floor(frames / this.pooling);
    return logSoftmax(new Float32Array(memory.buffer, logits, rows * this.classes), this.classes);
  }
}

export function logSoftmax(logits, classes) {
  const logProbs = new Float32Array(logits.length);
  for (let t = 0; t < logits.length; t += classes) {
    const frame = logits.subarray(t, t + classes), peak = Math.max(...frame);
    const sum = frame.reduce((total, logit) => total + Math.exp(logit - peak), 0);
    for (let c = 0; c < classes; c++) logProbs[t + c] = frame[c] - peak - Math.log(sum);
  }
  return logProbs;
}
