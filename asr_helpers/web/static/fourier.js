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
  const { re, im } = spectrum(samples);
  return signal(samples.length, (k, both) => {
    gain(k, both);
    const [real, imaginary] = both;
    both[0] = re[k] * real - im[k] * imaginary;
    both[1] = re[k] * imaginary + im[k] * real;
  });
}

// The convolution of two real signals of one length, with zeros at the end for what it makes longer. Both go through
// one transform, as its real and its imaginary part: the product of their spectra is (z(k)^2 - conj(z(-k))^2) / 4i.
export function convolved(samples, response) {
  const { re, im } = spectrum(samples, response), size = samples.length;
  return signal(size, (k, both) => {
    const mirror = (size - k) % size;
    both[0] = (re[k] * im[k] + re[mirror] * im[mirror]) / 2;
    both[1] = (im[k] ** 2 - re[k] ** 2 + re[mirror] ** 2 - im[mirror] ** 2) / 4;
  });
}

function spectrum(real, imaginary = null) {
  const { order, size } = fourierOf(real.length), re = new Float64Array(size), im = new Float64Array(size);
  for (let i = 0; i < size; i++) re[i] = real[order[i]];
  for (let i = 0; imaginary && i < size; i++) im[i] = imaginary[order[i]];
  fourierOf(size).transform(re, im);
  return { re, im };
}

// The real signal whose spectrum `at(k, both)` writes into `both`, for k up to size / 2: the rest is its mirror image.
// The transform of the conjugate is the way back.
function signal(size, at) {
  const { order } = fourierOf(size), re = new Float64Array(size), im = new Float64Array(size), both = [0, 0];
  for (let k = 0; k <= size / 2; k++) {
    at(k, both);
    const here = order[k], mirror = order[(size - k) % size];
    re[here] = re[mirror] = both[0] / size;
    im[here] = -both[1] / size;
    if (mirror !== here) im[mirror] = both[1] / size;
  }
  fourierOf(size).transform(re, im);
  return re;
}
