// The page: what one may press, and what is shown. instrument.js draws; changer.js and worker.js compute.
// To follow a sound on its way to words, read resample, speech, features, engine, lm, beam, alignment, recogniser.

import { readSliders, resetSliders } from "./bench.js";
import { vtt } from "./captions.js";
import { readHotwords } from "./hotwords.js";
import { Inside } from "./inside.js";
import { Instrument } from "./instrument.js";
import { matched, wordErrors } from "./metrics.js";
import { Microphone, decode } from "./sound_input.js";
import { Thread } from "./thread.js";

const LONGEST_BENCH = 60; // seconds: up to there an answer comes while one drags, and two texts can be compared
const LEVEL_DECAY = 0.7; // of the dot that shows how loud it is, from one block to the next
// The smallest module with a SIMD instruction (i8x16.splat).
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];
const TOO_OLD =
  "This browser cannot run the recogniser. It must be Chrome or Edge 103, Firefox 119, Safari 16.4 or newer, and " +
  "WebAssembly must be switched on.";
const SPOKEN = "what you said"; // the name of what the microphone has heard

const $ = (id) => document.getElementById(id);
const instrument = new Instrument($("instrument"));
const inside = new Inside((question) => worker.askUnlessOneWaits({ kind: "candidates", turn, ...question }));
$("instrument").addEventListener("click", ({ target }) => inside.choose(target));
let settings = null; // recogniser.json
let ready = false;
let turn = 0; // of the sounds that were opened or spoken: what belongs to an earlier one comes too late
let sound = null; // {turn, samples, name, truth}: the one that is shown, as it was before the sliders changed it
let asked = 0; // how often the sliders' places were asked about
let pictured = 0; // the number of the one that is shown
let settled = ""; // of live text: what stands
let result = null;

// ---- what the workers answer

const receive = {
  progress({ share }) {
    $("progress").value = share;
    $("progress").hidden = ready && share === 0; // a short sound is done at once
  },

  loaded(data) {
    settings = data.settings;
    loader.end();
    changer.tell({ kind: "load", settings });
    const files = [data.wasm, data.model, data.lm].filter(Boolean);
    worker.tell({ ...data, kind: "load" }, ...files.map((bytes) => bytes.buffer));
  },

  ready() {
    instrument.show({
      alphabet: [...settings.alphabet],
      mels: settings.features.mels,
      doubtful: settings.confidence.doubtful,
      sampleRate: settings.features.sample_rate,
      hopSeconds: settings.features.hop / settings.features.sample_rate,
      frameSeconds: (settings.features.hop * settings.features.time_pooling) / settings.features.sample_rate,
    });
    ready = true;
    $("progress").hidden = true;
    $("speak").disabled = $("file").disabled = false;
    say("Ready. Press Speak and say a sentence.");
    settings.clips.forEach(addClip);
    $("about-english").hidden = !settings.clips.length; // examples come with English models alone
    $("names").hidden = $("about-search").hidden = !settings.language_model;
    if (settings.clips.length) openClip(settings.clips[0]);
    // Only now: it fetches everything once more, and the first words should not wait for that. Without it the page
    // works, but not offline.
    navigator.serviceWorker?.register("sw.js").catch(() => {});
  },

  // Without samples it is of the microphone.
  picture({ kind, ...data }) {
    if (data.turn !== turn) return;
    const { mel, seconds, samples } = data;
    pictured = data.number;
    instrument.show({ mel, seconds }, recording);
    if (samples) worker.ask({ ...data, kind: "words" });
  },

  settled({ text }) {
    if (text !== settled) instrument.clear(); // the next stretch begins
    settled = text;
  },

  partial(data) {
    if (data.turn !== turn || !recording) return;
    instrument.show({ logProbs: data.logProbs, words: data.words, seconds: data.seconds }, true);
    showWords(data.words, settled, data.black);
  },

  result(data) {
    $("progress").hidden = true;
    if (data.turn !== turn) return;
    result = data;
    sound.samples ??= data.samples; // of the microphone, which the worker has kept
    const { samples, mel, logProbs, words, seconds } = data, heard = { samples, mel, logProbs, words, seconds };
    if (!data.changed) sound.recorded = heard;
    const shown = data.number === pictured ? heard : { samples, logProbs, words }; // a newer picture stays
    instrument.show({ ...shown, recorded: data.changed ? sound.recorded : null });
    showWords(data.words);
    $("letters-line").hidden = !settings.language_model || !data.letters || data.seconds > LONGEST_BENCH;
    $("letters").textContent = data.letters;
    $("take").hidden = !data.words.length;
    inside.show({ ...data, settings });
    $("bench").hidden = !seconds || seconds > LONGEST_BENCH;
    showScore(data.text);
    showTimes(data);
    const advice = sound.name === SPOKEN ? "No word was heard. Speak closer to the microphone." : "";
    say(words.length ? `Heard ${sound.name}.` : advice || `No word was heard in ${sound.name}.`);
  },

  candidates(data) {
    if (data.turn === turn) inside.showCandidates(data);
  },

  error({ message }) {
    fail(message);
  },
};

const unborn = () => fail("The recogniser did not start. Reload the page, or update the browser.");
const threads = ["loader.js", "changer.js", "worker.js"].map((file) => new Thread(file, receive, unborn));
const [loader, changer, worker] = threads;

// ---- what is shown

function say(message) {
  $("status").textContent = message;
}

function fail(message) {
  $("error").textContent = message;
  $("error").hidden = !message;
  if (!message) return;
  say("");
  $("progress").hidden = true;
}

// The words, doubt underlined. While one speaks, the text that is settled comes before them, and all but the first
// `black` words are grey: they may still change.
function showWords(words, before = "", black = words.length) {
  const right = sound.truth ? matched(words.map((word) => word.text), sound.truth.split(" ")) : null;
  const spans = words.map((word, i) => {
    const span = document.createElement("span");
    span.textContent = word.text;
    const doubt = word.probability < settings.confidence.doubtful;
    span.classList.toggle("doubt", doubt);
    span.classList.toggle("grey", i >= black);
    span.classList.toggle("wrong", Boolean(right) && !right[i]);
    if (doubt) span.title = `in doubt: right with a probability of ${Math.round(100 * word.probability)} %`;
    return [span, " "];
  });
  $("text").replaceChildren(before && `${before} `, ...spans.flat(), recording ? "…" : "");
}

// For an example the true text is known: how many words are wrong, and which.
function showScore(text) {
  $("score").hidden = !sound.truth;
  if (!sound.truth) return;
  const said = sound.truth.split(" "), errors = wordErrors(text.split(" ").filter(Boolean), said);
  const wrong = `${errors} of ${said.length} words wrong. Said: ${sound.truth.toLowerCase()}`;
  $("score").textContent = errors ? wrong : `All ${said.length} words right.`;
}

function showTimes({ times, seconds }) {
  $("times").hidden = !seconds;
  const each = (name) => `${(times[name] / seconds).toFixed(0)} ms`;
  const spent = `${each("network")} for the network and ${each("search")} for the search`;
  $("times").textContent = `The network is ${settings.name}. For a second of this sound, this device took ${spent}.`;
}

// ---- sound

// Opens what `load` promises, a file's content, unless something else is asked for before it comes.
async function open(load, name, truth = "") {
  const mine = ++turn;
  stopRecording(false);
  try {
    const samples = await decode(await load(), name, settings.features.sample_rate);
    if (mine !== turn) return;
    fail("");
    sound = { turn, samples, name, truth };
    instrument.stop();
    resetSliders();
    say(`Listening to ${name} …`);
    listenAgain();
  } catch (error) {
    if (mine === turn) fail(error.message);
  }
}

function openFile(file) {
  markClip(null);
  open(async () => file, file.name);
}

function addClip(clip, number) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `Reader ${number + 1}`;
  button.title = clip.text.toLowerCase();
  button.onclick = () => openClip(clip);
  clip.button = button;
  $("clips").append(button);
  $("clips").hidden = false;
}

function openClip(clip) {
  markClip(clip);
  open(async () => (await fetch(clip.file)).blob(), clip.button.textContent, clip.text);
}

function markClip(chosen) {
  for (const clip of settings.clips) clip.button.ariaPressed = String(clip === chosen);
}

$("file").onchange = ({ target }) => {
  const [file] = target.files;
  target.value = ""; // so that the same file may be chosen again
  if (file) openFile(file);
};
document.ondragover = (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
};
document.ondragleave = ({ relatedTarget }) => relatedTarget ?? document.body.classList.remove("dropping");
document.ondrop = (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file && ready) openFile(file);
};

// ---- the microphone

let recording = null, asking = false, loudness = 0;

async function startRecording() {
  if (asking) return; // the browser still asks for permission
  asking = true;
  const microphone = new Microphone();
  try {
    await microphone.start(
      (rate) => {
        worker.waiting = null; // a recording that still waits for its end would end this one
        worker.tell({ kind: "begin", rate, turn: ++turn });
      },
      (samples) => {
        loudness = Math.max(LEVEL_DECAY * loudness, ...samples.map(Math.abs));
        $("speak").style.setProperty("--loudness", Math.min(1, Math.sqrt(loudness)).toFixed(2));
        worker.tell({ kind: "block", samples }, samples.buffer);
        worker.ask({ kind: "look" });
      },
      () => {
        stopRecording();
        fail("The microphone was disconnected or switched off. What it heard until then is recognised.");
      },
    );
  } catch (error) {
    return fail(error.message);
  } finally {
    asking = false;
  }
  recording = microphone;
  sound = { turn, samples: null, name: SPOKEN, truth: "" };
  fail("");
  markClip(null);
  settled = "";
  instrument.clear();
  for (const id of ["take", "bench", "score", "letters-line", "inside"]) $(id).hidden = true;
  $("text").textContent = "…";
  showRecording();
  say("Listening. Press Stop when you have finished.");
}

function stopRecording(recognise = true) {
  if (!recording) return;
  recording.stop();
  recording = null;
  worker.waiting = null;
  if (recognise) {
    resetSliders();
    say("Recognising the whole recording …");
    worker.ask({ kind: "end" });
  }
  showRecording();
}

function showRecording() {
  $("speak").ariaPressed = String(Boolean(recording));
  $("text").ariaLive = recording ? "off" : "polite"; // a screen reader would talk into the recording
  $("speak-label").textContent = recording ? "Stop" : "Speak";
  $("speak").style.removeProperty("--loudness");
}

$("speak").onclick = () => (recording ? stopRecording() : startRecording());

// ---- the bench

function listenAgain() {
  const { turn: its, samples } = sound;
  changer.ask({ kind: "recognise", turn: its, number: ++asked, samples, effects: readSliders() });
}

$("bench").oninput = listenAgain;
$("reset").onclick = () => {
  resetSliders();
  listenAgain();
};

// ---- names

$("names").onsubmit = (event) => {
  event.preventDefault();
  const { words, strangers } = readHotwords($("hotwords").value, [...settings.alphabet]);
  worker.tell({ kind: "hotwords", words });
  const cannot = strangers.length ? ` This network cannot write ${strangers.join(", ")}: it has only letters.` : "";
  $("names-said").textContent = (words.length ? `Expected: ${words.join(", ")}.` : "No name is expected.") + cannot;
  if (sound?.samples) listenAgain();
};

// ---- what one takes along

function save(content, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

$("copy").onclick = async () => {
  try {
    await navigator.clipboard.writeText(result.text);
    say("Copied.");
  } catch {
    getSelection().selectAllChildren($("text"));
    say("This browser does not let the page copy. The text is selected: copy it with the keyboard.");
  }
};
$("save-text").onclick = () => save(`${result.text}\n`, "speech.txt", "text/plain");
$("save-captions").onclick = () => save(vtt(result.words), "speech.vtt", "text/vtt");

// ---- the start

document.body.classList.toggle("framed", location.hash === "#bench"); // in a page that has said what this is

// The browser may find a newer version as soon as the page is open. The first version is none.
if (navigator.serviceWorker?.controller) {
  navigator.serviceWorker.oncontrollerchange = () => ($("newer").hidden = false);
}
if (!globalThis.WebAssembly?.validate(new Uint8Array(SIMD)) || !globalThis.DecompressionStream) {
  fail(TOO_OLD);
} else {
  for (const thread of threads) thread.start();
}
