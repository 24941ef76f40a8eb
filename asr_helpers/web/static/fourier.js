// The fast Fourier transform (Cooley and Tukey, 1965), of a size that is a power of two.

export class Fourier {
  constructor(size) {
    this.size = size;
    this.cos = new Float64Array(size / 2).map((_, i) => Math.cos((2 * Math.PI * i) / size));
    this.sin = new Float64Array(size / 2).map((_, i) => -Math.sin((2 * Math.PI * i) / size));
    this.order = new Uint32Array(size); // of the input: each place's number with its bits reversed
    for (let i = 1; i < size; i++) this.order[i] = (this.order[i >> 1] >> 1) | (i & 1 ? size >> 1 : 0);
  }

  // In place, on real and imaginary parts. The input lies in `order`, the output in the order of the frequencies.
  transform(re, im) {
    const { size, cos, sin } = this;
    for (let half = 1; half < size; half *= 2) {
      const stride = size / 2 / half;
      for (let start = 0; start < size; start += 2 * half) {
        for (let j = 0; j < half; j++) {
          const a = start + j, b = a + half, c = cos[j * stride], s = sin[j * stride];
          const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
  }
}

// Real `samples`, in double precision, after their spectrum is multiplied by `gain(frequency)`: [real, imaginary] for a
// frequency in cycles per sample, from 0 to 1/2. There must be zeros at the end for what the filter makes longer.
export function filtered(samples, gain) {
  const fourier = new Fourier(samples.length), { order } = fourier, size = samples.length;
  const re = samples.map((_, i) => samples[order[i]]), im = new Float64Array(size);
  fourier.transform(re, im);
  const backRe = new Float64Array(size), backIm = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    // The transform of the conjugate is the way back; and a real filter treats frequencies above 1/2 as mirror images.
    const k = order[i], [a, b] = gain(Math.min(k, size - k) / size), sign = k > size / 2 ? -1 : 1;
    backRe[i] = re[k] * a - im[k] * b * sign;
    backIm[i] = -(re[k] * b * sign + im[k] * a);
  }
  fourier.transform(backRe, backIm);
  return backRe.map((value) => value / size);
}
