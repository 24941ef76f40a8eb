// Sound of any rate to another one, block by block as it arrives. A microphone has a rate of its own: 44 100 or
// 48 000 Hz, 16 000 on some headsets. Browsers differ in how they change it, and some refuse to: so the page does it.

const ZERO_CROSSINGS = 24; // of the filter, on either side: the longer, the steeper it falls
const PASSED = 0.95; // share of the band that is kept: beyond it the filter falls, so that nothing folds back

export class Resampler {
  constructor(from, to) {
    const divisor = gcd(from, to);
    this.from = from / divisor; // as the smallest whole numbers: 48 000 to 16 000 is 3 to 1
    this.to = to / divisor;
    this.cutoff = Math.min(1, to / from) * PASSED; // relative to half the rate that comes in
    this.reach = Math.ceil(ZERO_CROSSINGS / this.cutoff); // samples on either side that count
    this.held = new Float32Array(this.reach); // silence before the beginning, then what is still needed
    this.heldStart = -this.reach; // the number of held[0], counted in samples that came in
    this.next = 0; // the number of the next sample that goes out
    this.filters = new Map(); // by the position of a sample between two that came in
  }

  push(block) {
    if (this.from === this.to) return block;
    const held = new Float32Array(this.held.length + block.length), out = [];
    held.set(this.held);
    held.set(block, this.held.length);
    for (; ; this.next++) {
      const place = this.next * this.from, whole = Math.floor(place / this.to);
      const first = whole - this.reach + 1 - this.heldStart, filter = this.filter(place - whole * this.to);
      if (first + filter.length > held.length) break;
      let sum = 0;
      for (let i = 0; i < filter.length; i++) sum += filter[i] * held[first + i];
      out.push(sum);
    }
    const needed = Math.floor((this.next * this.from) / this.to) - this.reach + 1;
    this.held = held.slice(needed - this.heldStart);
    this.heldStart = needed;
    return Float32Array.from(out);
  }

  // What is still to come when the sound has ended.
  end() {
    return this.from === this.to ? new Float32Array(0) : this.push(new Float32Array(this.reach));
  }

  // A windowed sinc for a sample `phase` / `to` after the one that came in before it.
  filter(phase) {
    if (!this.filters.has(phase)) {
      const taps = Float64Array.from({ length: 2 * this.reach }, (_, i) => {
        const x = i - this.reach + 1 - phase / this.to, angle = Math.PI * x * this.cutoff;
        const hann = 0.5 + 0.5 * Math.cos((Math.PI * Math.min(Math.abs(x), this.reach)) / this.reach);
        return (x === 0 ? 1 : Math.sin(angle) / angle) * hann * this.cutoff;
      });
      this.filters.set(phase, taps);
    }
    return this.filters.get(phase);
  }
}

function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}
