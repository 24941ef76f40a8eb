// CTC's trellis in a notebook: few frames, so that all ways can be listed.

import { followTheme } from "../../web/static/theme.js";
import { trellis } from "../../web/static/trellis.js";

function render({ model, el }) {
  const table = model.get("table"), alphabet = [...model.get("symbols")], blank = alphabet.pop();
  const host = document.createElement("div"), logProbs = Float64Array.from(table.flat(), Math.log);
  host.className = "trellis-notebook";
  el.append(host);
  const unwatch = followTheme(host);
  trellis(host, { text: model.get("text"), logProbs, alphabet, blank, listed: true });
  return unwatch;
}

export default { render };
