// Long recordings, cut in pauses for the network and for the search: the twin of asr_helpers/recognizer/windows.py.

import { framePower, speechFrames } from "./speech.js";

// The pieces of a recording for the network. Neighbours that overlap cover `before` and `after` samples of a piece.
export function pieces(samples, settings) {
  const { max_uncut_samples, early_samples, window_samples, overlap_samples } = settings.windows;
  const found = [];
  let start = 0, before = 0;
  const left = () => samples.length - start;
  const take = (length, after, inPause) => {
    found.push({ samples: samples.subarray(start, start + length), before, after, inPause });
  };
  while (left() > max_uncut_samples) {
    const cut = pause(samples.subarray(start, start + max_uncut_samples), settings);
    take(cut ?? window_samples, cut ? 0 : overlap_samples / 2, Boolean(cut));
    start += cut ?? window_samples - overlap_samples;
    before = cut ? 0 : overlap_samples / 2;
  }
  while (found.length && left() > early_samples) {
    const cut = pause(samples.subarray(start), settings);
    if (!cut) break;
    take(cut, 0, true);
    start += cut;
    before = 0;
  }
  take(left(), 0, false);
  return found;
}

// The middle of the pause in which to cut, in samples, on an output frame; null if there is no pause. The first clear
// one comes first, then the longest of any, unless `onlyClear`.
export function pause(samples, { features, windows }, onlyClear = false) {
  const { hop, time_pooling } = features, { min_piece_samples, early_samples, clear_pause_frames } = windows;
  const speech = speechFrames(framePower(samples, features), features);
  const pauses = runs(speech, (each) => !each)
    .filter(({ start, end }) => start > 0 && end < speech.length)
    .map(({ start, end }) => ({ length: end - start, middle: Math.floor((start + end) / 2) }))
    .filter(({ middle }) => middle * hop >= min_piece_samples);
  const clear = pauses.find(({ length, middle }) => length >= clear_pause_frames && middle * hop <= early_samples);
  if (!pauses.length || (onlyClear && !clear)) return null;
  const longest = pauses.reduce((best, each) => (each.length >= best.length ? each : best));
  return Math.floor((clear ?? longest).middle / time_pooling) * time_pooling * hop;
}

// Stretches of log-probabilities (frames, classes) of at most `most` frames for the search. Each cut that was made in a
// pause ends a stretch; a longer one is cut in its longest pause, where the most probable labels are blanks and spaces.
export function segments(logProbs, classes, space, most) {
  const frames = logProbs.length / classes, found = [];
  const part = (first, end) => logProbs.subarray(first * classes, end * classes);
  let first = 0;
  while (first < frames) {
    const end = Math.min(first + most, frames);
    let cut = first;
    while (cut < end && !marksCut(part(cut, cut + 1), space)) cut++;
    if (cut < end) cut++;
    else if (end < frames) cut = first + longestPause(part(first, end), classes, space, most);
    found.push({ first, logProbs: part(first, cut) });
    first = cut;
  }
  return found.length ? found : [{ first, logProbs }];
}

// Whether a frame marks a cut in a pause: a certain space, every other label equally unlikely.
function marksCut(frame, space) {
  const other = frame[space ? 0 : 1];
  return frame[space] > other && frame.every((value, label) => label === space || value === other);
}

// The frame in the middle of the longest pause of the last two thirds; if there is none, the end. A pause with a space
// comes first, because blanks also occur within words.
function longestPause(logProbs, classes, space, frames) {
  const earliest = Math.floor(frames / 3);
  const best = Array.from({ length: frames - earliest }, (_, i) => {
    const frame = logProbs.subarray((earliest + i) * classes, (earliest + i + 1) * classes);
    return frame.indexOf(Math.max(...frame));
  });
  const rank = ({ start, end }) => (best.slice(start, end).includes(space) ? frames : 0) + end - start;
  const pauses = runs(best, (label) => label === space || label === classes - 1);
  if (!pauses.length) return frames;
  const { start, end } = pauses.reduce((longest, each) => (rank(each) >= rank(longest) ? each : longest));
  return earliest + Math.floor((start + end + 1) / 2);
}

// The stretches of a list for whose members `holds` is true: {start, end}.
function runs(list, holds) {
  const found = [];
  list.forEach((each, i) => {
    if (!holds(each)) return;
    if (found.at(-1)?.end === i) found.at(-1).end++;
    else found.push({ start: i, end: i + 1 });
  });
  return found;
}
