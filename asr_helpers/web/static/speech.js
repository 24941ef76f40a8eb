// Which frames are speech, by their power: the twin of asr_helpers/sound/speech.py. `settings` are recogniser.json's
// "features": the numbers of sound/speech.py and sound/mel.py by their Python names.

// The mean power within 30 ms of each frame's centre, without the clip's constant offset.
export function framePower(samples, { hop, radius }) {
  const mean = average(samples), total = new Float64Array(samples.length + 1);
  for (let i = 0; i < samples.length; i++) total[i + 1] = total[i] + (samples[i] - mean) ** 2;
  return new Float64Array(1 + Math.floor(samples.length / hop)).map((_, frame) => {
    const start = Math.max(frame * hop - radius, 0), end = Math.min(frame * hop + radius, samples.length);
    return (total[end] - total[start]) / (end - start);
  });
}

// Which frames are speech or lie within `margin` frames of it: 1 or 0 for each. The threshold comes from the clip
// itself, its loudest 0.2 s and its quietest tenth.
export function speechFrames(power, { loud_frames, speech_db, above_noise_db, margin }) {
  const ordered = power.slice().sort();
  const loud = ordered.at(-Math.min(loud_frames, power.length)), noise = ordered[Math.floor(power.length / 10)];
  const [least, most] = speech_db.map((db) => loud * 10 ** (db / 10));
  const threshold = Math.min(Math.max(noise * 10 ** (above_noise_db / 10), least), most);
  const speech = new Uint8Array(power.length);
  power.forEach((value, t) => {
    if (value >= threshold) speech.fill(1, Math.max(0, t - margin), t + margin + 1);
  });
  return speech;
}

export function average(numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i];
  return sum / numbers.length;
}
