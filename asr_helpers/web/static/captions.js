// Timed words as WebVTT captions: the twin of asr_helpers/words/captions.py. Two lines of at most 42 characters, shown
// for one to six seconds, broken where the speaker pauses.

const MAX_LINE_CHARACTERS = 42, MAX_SECONDS = 6, MIN_SECONDS = 1, PAUSE_SECONDS = 0.8;

const textOf = (words) => words.map((word) => word.text).join(" ");
const lengthOf = (words) => [...textOf(words)].length;
const longestLine = (lines) => Math.max(...lines.map((line) => [...line].length));

// The stretches of words between pauses.
function stretches(words) {
  const all = [];
  words.forEach((word, i) => {
    if (!i || word.start - words[i - 1].end >= PAUSE_SECONDS) all.push([]);
    all.at(-1).push(word);
  });
  return all;
}

// The text as one line or, if that is too long, as two of the most similar lengths.
function lines(words) {
  if (lengthOf(words) <= MAX_LINE_CHARACTERS || words.length === 1) return [textOf(words)];
  const splits = words.slice(1).map((_, i) => [textOf(words.slice(0, i + 1)), textOf(words.slice(i + 1))]);
  return splits.reduce((best, each) => (longestLine(each) < longestLine(best) ? each : best));
}

// Parts that fit a caption each, split at the longest silence near the middle.
function split(words) {
  const seconds = words.at(-1).end - words[0].start;
  const fits = seconds <= MAX_SECONDS && longestLine(lines(words)) <= MAX_LINE_CHARACTERS;
  if (fits || words.length === 1) return [words];
  const share = (place) => lengthOf(words.slice(0, place)) / lengthOf(words);
  const silence = (place) => words[place].start - words[place - 1].end;
  const places = words.slice(1).map((_, i) => i + 1), fromMiddle = (place) => Math.abs(share(place) - 1 / 2);
  const nearest = places.reduce((best, each) => (fromMiddle(each) < fromMiddle(best) ? each : best));
  const central = places.filter((place) => share(place) >= 1 / 3 && share(place) <= 2 / 3);
  const offered = central.length ? central : [nearest];
  const cut = offered.reduce((best, each) => (silence(each) > silence(best) ? each : best));
  return [...split(words.slice(0, cut)), ...split(words.slice(cut))];
}

function clock(seconds) {
  const milliseconds = Math.round(1000 * seconds), minutes = Math.floor(milliseconds / 60_000);
  const digits = (value, count) => String(value).padStart(count, "0");
  const parts = [Math.floor(minutes / 60), minutes % 60, Math.floor(milliseconds / 1000) % 60];
  return `${parts.map((part) => digits(part, 2)).join(":")}.${digits(milliseconds % 1000, 3)}`;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

// Returns the text of a .vtt file for [{text, start, end}], in order of time.
export function vtt(words) {
  const parts = stretches(words).flatMap(split);
  const cues = parts.map((part, i) => {
    const { start } = part[0], next = parts[i + 1]?.[0].start ?? Infinity;
    const end = Math.min(Math.max(part.at(-1).end, start + MIN_SECONDS), next);
    return [`${clock(start)} --> ${clock(end)}`, ...lines(part).map(escaped), ""].join("\n");
  });
  return ["WEBVTT\n", ...cues].join("\n");
}
