// Accessibility fixes that ipywidgets lacks, for all controls of the page around this widget: labels and alt texts for
// screen readers, arrow keys and digits kept from JupyterLab's shortcuts, and a message when the kernel has gone.

const GONE = "The kernel was restarted, so nothing here answers. Run the cell again.";

function fix(page, alt) {
  // Lumino asks the focused element itself whether its keys are shortcuts: 0 0 would restart the kernel.
  for (const control of page.querySelectorAll("select, .noUi-handle")) {
    control.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  for (const image of page.querySelectorAll("img.widget-image, .widget-image img")) image.alt = alt;
  for (const row of page.querySelectorAll(".widget-slider, .widget-hslider")) {
    const name = row.querySelector(".widget-label")?.textContent ?? "";
    row.querySelector(".noUi-handle")?.setAttribute("aria-label", name);
    row.querySelector(".widget-readout")?.setAttribute("aria-label", `${name}, as a number`);
  }
}

function render({ model, el }) {
  el.innerHTML = '<b role="alert"></b>';
  const gone = () => (el.firstChild.textContent = GONE);
  model.on("comm_live_update", gone);
  let observer = null;
  const begin = () => {
    const page = el.closest(".asr-page");
    if (!page) return requestAnimationFrame(begin); // not in the page yet
    fix(page, model.get("alt"));
    observer = new MutationObserver(() => fix(page, model.get("alt")));
    observer.observe(page, { childList: true, subtree: true });
  };
  begin();
  return () => {
    observer?.disconnect();
    model.off("comm_live_update", gone);
  };
}

export default { render };
