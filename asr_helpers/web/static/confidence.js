// The probability that a word is right, from the confidence in it: the twin of asr_helpers/words/confidence.py.

// `slope` and `offset` of the log-odds were fitted for a decoder (Platt scaling); `limits` keep them finite.
export function probability(confidence, [slope, offset], [low, high]) {
  const limited = Math.min(Math.max(confidence, low), high), logOdds = Math.log(limited / (1 - limited));
  return 1 / (1 + Math.exp(-(slope * logOdds + offset)));
}
