// Log-mel features: the twin of asr_helpers/sound/mel.py, equal to it within 1e-4. The Fourier transform is our own:
// the browser's analyser gives other windows, other rates and, from one device to the next, other numbers.

import { Fourier } from "./fourier.js";
import { average, framePower, speechFrames } from "./speech.js";

export const hzToMel = (hz) => (hz < 1000 ? (hz * 3) / 200 : 15 + (Math.log(hz / 1000) * 27) / Math.log(6.4));
const melToHz = (mel) => (mel < 15 ? (mel * 200) / 3 : 1000 * Math.exp(((mel - 15) * Math.log(6.4)) / 27));

// The triangular filters, each with its first bin and its weights from there on: most of a filter is zeros.
function melFilters({ sample_rate, fft, mels }) {
  const top = hzToMel(sample_rate / 2);
  const edges = Array.from({ length: mels + 2 }, (_, i) => melToHz((top * i) / (mels + 1))); // Hz
  return Array.from({ length: mels }, (_, mel) => {
    const [low, middle, high] = edges.slice(mel, mel + 3);
    const triangle = Float64Array.from({ length: fft / 2 + 1 }, (_, bin) => {
      const hz = (bin * sample_rate) / fft;
      return (Math.max(0, Math.min((hz - low) / (middle - low), (high - hz) / (high - middle))) * 2) / (high - low);
    });
    const first = triangle.findIndex((weight) => weight > 0);
    const last = triangle.findLastIndex((weight) => weight > 0);
    return { first: Math.max(first, 0), weights: triangle.slice(first, last + 1) };
  });
}

export class Features {
  constructor(settings) {
    const { window, fft } = settings, before = Math.floor((fft - window) / 2);
    this.settings = settings;
    this.filters = melFilters(settings);
    this.fourier = new Fourier(fft);
    this.re = new Float64Array(fft); // of two frames, see `powers`
    this.im = new Float64Array(fft);
    this.two = [new Float64Array(fft / 2 + 1), new Float64Array(fft / 2 + 1)];
    this.hann = new Float64Array(fft); // centred in the transform
    for (let i = 0; i < window; i++) this.hann[before + i] = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / window);
  }

  // The log-mel spectrogram (frames, mels), one frame centred on every hop.
  logMel(samples) {
    const { hop, mels, log_floor } = this.settings;
    const spectrogram = new Float32Array((1 + Math.floor(samples.length / hop)) * mels);
    this.eachPower(samples, (power, t) => {
      for (let mel = 0; mel < mels; mel++) spectrogram[t * mels + mel] = Math.log(log_floor + this.band(power, mel));
    });
    return spectrogram;
  }

  // The power that a filter lets through.
  band(power, mel) {
    const { first, weights } = this.filters[mel];
    let sum = 0;
    for (let bin = 0; bin < weights.length; bin++) sum += weights[bin] * power[first + bin];
    return sum;
  }

  // Calls `use` with the power spectrum of each frame and the frame's number.
  eachPower(samples, use) {
    const { hop, fft } = this.settings, frames = 1 + Math.floor(samples.length / hop);
    const padded = new Float32Array(samples.length + fft + 2 * hop);
    padded.set(samples, fft / 2);
    for (let t = 0; t < frames; t += 2) {
      this.powers(padded, t * hop).forEach((power, i) => t + i < frames && use(power, t + i));
    }
  }

  // The power spectra of the frame that begins at `start` and of the next one. Both go through one transform, as its
  // real and its imaginary part: a real signal's spectrum is symmetric, so the two can be separated again.
  powers(padded, start) {
    const { hop, fft } = this.settings, { order } = this.fourier;
    const { re, im, two: powers } = this;
    for (let i = 0; i < fft; i++) {
      re[order[i]] = padded[start + i] * this.hann[i];
      im[order[i]] = padded[start + hop + i] * this.hann[i];
    }
    this.fourier.transform(re, im);
    for (let k = 0; k <= fft / 2; k++) {
      const mirror = (fft - k) % fft;
      powers[0][k] = ((re[k] + re[mirror]) ** 2 + (im[k] - im[mirror]) ** 2) / 4;
      powers[1][k] = ((im[k] + im[mirror]) ** 2 + (re[mirror] - re[k]) ** 2) / 4;
    }
    return powers;
  }

  // The network's input (frames, mels), and which frames are speech.
  features(samples) {
    const power = framePower(samples, this.settings), speech = speechFrames(power, this.settings);
    const spectrogram = this.logMel(this.level(samples, power.filter((_, t) => speech[t])));
    return { features: this.normalize(spectrogram, speech), speech };
  }

  // The samples at the standard loudness, measured where somebody speaks.
  level(samples, speechPower) {
    const { level, quietest } = this.settings, mean = average(samples), leveled = new Float32Array(samples.length);
    const gain = level / Math.max(Math.sqrt(average(speechPower)), quietest);
    for (let i = 0; i < samples.length; i++) leveled[i] = (samples[i] - mean) * gain;
    return leveled;
  }

  // Each mel bin at mean 0 and about unit deviation over the speech.
  normalize(spectrogram, speech) {
    const { mels, std_floor } = this.settings, normal = new Float32Array(spectrogram.length);
    const count = speech.reduce((sum, each) => sum + each, 0);
    const mean = new Float64Array(mels), variance = new Float64Array(mels);
    const overSpeech = (add) => {
      for (let i = 0; i < spectrogram.length; i++) if (speech[Math.floor(i / mels)]) add(i % mels, spectrogram[i]);
    };
    overSpeech((mel, value) => (mean[mel] += value / count));
    overSpeech((mel, value) => (variance[mel] += (value - mean[mel]) ** 2 / count));
    const spread = variance.map((each) => Math.sqrt(each) + std_floor);
    for (let i = 0; i < normal.length; i++) normal[i] = (spectrogram[i] - mean[i % mels]) / spread[i % mels];
    return normal;
  }
}
