// What may happen to a sound on its way to the recogniser: the twin of asr_helpers/sound/effects.py. What chance
// decides is an argument, so that a slider changes one thing and nothing else, and a test can compare with Python.

import { convolved, filtered } from "./fourier.js";
import { Resampler } from "./resample.js";

const GAP_GAIN = 1e-3; // -60 dB: a lost packet, yet not digital silence
const BUTTERWORTH_ORDER = 4;

const power = (samples) => samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
const powerOfTwo = (length) => 2 ** Math.ceil(Math.log2(length));

function padded(samples, length) {
  const longer = new Float64Array(length);
  longer.set(samples);
  return longer;
}

// `samples` `factor` times as fast: pace, pitch and voice move together, as on a record player.
export function speed(samples, factor, rate) {
  const resampler = new Resampler(Math.round(rate * factor), rate), body = resampler.push(samples);
  const whole = padded(body, Math.ceil(samples.length / factor));
  whole.set(resampler.end().subarray(0, whole.length - body.length), body.length);
  return Float32Array.from(whole);
}

// `samples` in a room: the direct sound and, with the weight `mix`, its echoes.
export function reverb(samples, response, mix) {
  const size = powerOfTwo(samples.length + response.length);
  const echoes = convolved(padded(samples, size), padded(response, size));
  return samples.map((sample, i) => (1 - mix) * sample + mix * echoes[i]);
}

// A room's echoes: `hiss` that decays by 60 dB in `rt60` seconds (Polack's model), of energy 1.
export function roomResponse(rt60, hiss, rate) {
  const echoes = hiss.map((value, i) => value * 10 ** ((-3 * i) / rate / rt60));
  const size = Math.sqrt(power(echoes) * echoes.length);
  return echoes.map((value) => value / size);
}

// `samples` with `hiss` of the same length, whose mean power lies `snrDb` decibels below theirs.
export function addNoise(samples, hiss, snrDb) {
  const gain = Math.sqrt(power(samples) / power(hiss) / 10 ** (snrDb / 10));
  return samples.map((sample, i) => sample + gain * hiss[i]);
}

// `samples` without the band of `width` Hz around `center` Hz: a Butterworth band-stop, run forwards and backwards.
// That multiplies the spectrum by the square of its gain, and delays nothing.
export function frequencyMask(samples, center, width, rate) {
  const [from, to] = [center - width / 2, center + width / 2];
  if (!(0 < from && from < to && to < rate / 2)) {
    const given = `not center ${center}, width ${width}`;
    throw new RangeError(`the masked band must lie within 0 and ${rate / 2} Hz, ${given}`); // as ranges.py says
  }
  const warped = (frequency) => Math.tan(Math.PI * frequency); // the bilinear transform's frequencies
  const low = warped(from / rate), high = warped(to / rate);
  const size = powerOfTwo(samples.length + rate / 10);
  const masked = filtered(padded(samples, size), (k, both) => {
    const w = warped(k / size), distance = (w * (high - low)) / (low * high - w * w);
    both[0] = 2 * k < size ? 1 / (1 + distance ** (2 * BUTTERWORTH_ORDER)) : 1;
    both[1] = 0;
  });
  return samples.map((_, i) => masked[i]);
}

// `samples` with stretches of `size` samples all but silent, like lost packets.
export function gaps(samples, starts, size) {
  const holed = samples.slice();
  for (const start of starts) for (let i = start; i < start + size; i++) holed[i] *= GAP_GAIN;
  return holed;
}

// Where `count` gaps begin; they never touch, and cover half of the sound at most.
export function gapStarts(length, count, size, random) {
  const most = Math.min(count, Math.floor(length / (2 * size))), chosen = new Set();
  while (chosen.size < most) chosen.add(Math.floor(random() * (length - most * size)));
  return [...chosen].sort((a, b) => a - b).map((start, i) => start + i * size);
}

// White noise, normally distributed (Box and Muller, 1958).
export function whiteNoise(length, random) {
  const radius = () => Math.sqrt(-2 * Math.log(1 - random()));
  return new Float32Array(length).map(() => radius() * Math.cos(2 * Math.PI * random()));
}

const noises = new Map(); // by seed: a slider asks for the same noise again and again

function noiseOf(seed, length) {
  if (!(noises.get(seed)?.length >= length)) noises.set(seed, whiteNoise(length, randomNumbers(seed)));
  return noises.get(seed).subarray(0, length);
}

// Numbers in [0, 1) that `seed` decides (Tommy Ettinger's mulberry32): the browser's own cannot be repeated.
export function randomNumbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ROOM_MIX = 0.4, MASK_WIDTH = 1000, GAP_SECONDS = 0.08; // Hz, seconds: what the sliders leave as it is

// `samples` after all that happens on the way, in the order in which it happens: the speaker, the room, its noise, the
// microphone, the line. What is left out does not happen.
export function spoiled(samples, { factor, rt60, snrDb, center, count }, rate) {
  let sound = factor ? speed(samples, factor, rate) : samples;
  if (rt60) {
    const hiss = noiseOf(1, Math.round(1.2 * rt60 * rate));
    sound = reverb(sound, roomResponse(rt60, hiss, rate), ROOM_MIX);
  }
  if (snrDb !== undefined) sound = addNoise(sound, noiseOf(2, sound.length), snrDb);
  if (center) sound = frequencyMask(sound, center, MASK_WIDTH, rate);
  if (count) {
    const size = Math.round(GAP_SECONDS * rate);
    sound = gaps(sound, gapStarts(sound.length, count, size, randomNumbers(3)), size);
  }
  return limit(sound);
}

// `samples` no louder than a file can hold.
export function limit(samples) {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
  return samples.map((sample) => sample / peak);
}
