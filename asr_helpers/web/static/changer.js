// What the sliders do to a sound, and its picture, in a thread of its own: while a slider moves, a picture must not wait
// for the words of the one before it.

import { answerWith } from "./answering.js";
import { spoiled } from "./effects.js";
import { Features } from "./features.js";

let features;

answerWith({
  load: ({ settings }) => (features = new Features(settings.features)),
  recognise: ({ samples, effects, turn, number }) => {
    const { sample_rate } = features.settings, changed = Object.keys(effects).length > 0;
    const heard = changed ? spoiled(samples, effects, sample_rate) : samples;
    const mel = features.logMel(heard), seconds = heard.length / sample_rate;
    postMessage({ kind: "picture", turn, number, changed, samples: heard, mel, seconds }, [heard.buffer, mel.buffer]);
  },
});
