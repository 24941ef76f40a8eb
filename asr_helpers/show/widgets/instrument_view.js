// The instrument in a notebook: shows what the kernel sends.

import { begin } from "./notebook.js";

function render({ model, el }) {
  const { instrument, version, end } = begin({ model, el });
  const show = () => {
    const recorded = version(model.get("recorded")), changed = model.get("changed");
    if (changed.samples) instrument.show({ ...version(changed), recorded });
    else instrument.show({ ...recorded, recorded: null });
  };
  model.on("change:recorded change:changed", show);
  show();
  return () => {
    model.off("change:recorded change:changed", show);
    end();
  };
}

export default { render };
