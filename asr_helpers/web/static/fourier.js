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

const transforms = new Map(); // by size: the tables of a large one take longer than a transform

export function fourierOf(size) {
  if (!transforms.has(size)) transforms.set(size, new Fourier(size));
  return transforms.get(size);
}

// Real `samples`, in double precision, after their spectrum is multiplied by `gain(k, both)`: it writes real and
// imaginary part for the frequency k / size cycles per sample, k up to size / 2, into `both`. There must be zeros at
// the end for what the filter makes longer.
export function filtered(samples, gain) {
  const fourier = fourierOf(samples.length), { order, size } = fourier;
  const re = new Float64Array(size), im = new Float64Array(size), both = [0, 0];
  for (let i = 0; i < size; i++) re[i] = samples[order[i]];
  fourier.transform(re, im);
  const backRe = new Float64Array(size), backIm = new Float64Array(size);
  for (let k = 0; k <= size / 2; k++) {
    gain(k, both);
    // The transform of the conjugate is the way back; and a real filter treats frequencies above 1/2 as mirror images.
    const real = re[k] * both[0] - im[k] * both[1], imaginary = re[k] * both[1] + im[k] * both[0];
    const here = order[k], mirror = order[(size - k) % size];
    backRe[here] = backRe[mirror] = real / size;
    backIm[here] = -imaginary / size;
    if (mirror !== here) backIm[mirror] = imaginary / size;
  }
  fourier.transform(backRe, backIm);
  return backRe;
}
