// The sliders under "Make it harder".

const MOST_SNR = 40; // dB: where the noise begins
const $ = (id) => document.getElementById(id);

// What each slider does: the name and the value of an effect, and what to call it. At its first place it does nothing.
const SLIDERS = {
  noise: {
    effect: (value) => ({ snrDb: MOST_SNR - value }),
    text: (value) => {
      const snr = MOST_SNR - value;
      return snr ? `${Math.abs(snr)} dB ${snr > 0 ? "below" : "above"} the voice` : "as loud as the voice";
    },
  },
  echo: { effect: (value) => ({ rt60: value }), text: (value) => `dies away in ${value} s` },
  pace: { effect: (value) => ({ factor: value / 100 }), text: (value) => `${value} %` },
  mask: { effect: (value) => ({ center: value }), text: (value) => `${value - 500} to ${value + 500} Hz` },
  gaps: { effect: (value) => ({ count: value }), text: (value) => `${value}, 80 ms each` },
};

// What the sliders say, and what they do to the sound.
export function readSliders() {
  const effects = {};
  for (const [id, { effect, text }] of Object.entries(SLIDERS)) {
    const slider = $(id), value = Number(slider.value), used = slider.value !== slider.defaultValue;
    if (used) Object.assign(effects, effect(value));
    slider.ariaValueText = used ? text(value) : "none";
    if (id === "pace") slider.ariaValueText = text(value);
    document.querySelector(`output[for=${id}]`).textContent = slider.ariaValueText;
  }
  $("reset").disabled = !Object.keys(effects).length;
  return effects;
}

export function resetSliders() {
  for (const id of Object.keys(SLIDERS)) $(id).value = $(id).defaultValue;
  readSliders();
}
