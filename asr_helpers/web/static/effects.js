// What may happen to a sound on its way: the twin of asr_helpers/sound/effects.py.

const power = (samples) => samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;

// `samples` with `hiss` of the same length, whose mean power lies `snrDb` decibels below theirs.
export function addNoise(samples, hiss, snrDb) {
  const gain = Math.sqrt(power(samples) / power(hiss) / 10 ** (snrDb / 10));
  return samples.map((sample, i) => sample + gain * hiss[i]);
}

// White noise, normally distributed (Box and Muller, 1958). The same `seed` gives the same noise, so that a slider
// changes how loud it is and nothing else.
export function whiteNoise(length, seed = 1) {
  const uniform = mulberry32(seed), radius = () => Math.sqrt(-2 * Math.log(1 - uniform()));
  return new Float32Array(length).map(() => radius() * Math.cos(2 * Math.PI * uniform()));
}

// Numbers in [0, 1) from a 32-bit state (Tommy Ettinger's mulberry32): the browser's own cannot be repeated.
function mulberry32(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
