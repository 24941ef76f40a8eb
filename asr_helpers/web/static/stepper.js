// Buttons and a slider that go through frames: with the mouse, a finger, the keyboard, or by themselves.

const PLAY_MS = 250; // for a frame

// Puts them into `host`; `show(frame)` draws a frame and returns a sentence that says it. `unit` is "Frame", or what
// else it goes through; `name` is the slider's. Returns a function that goes to a frame, and has `length` frames from
// then on.
export function stepper(host, unit, name, show) {
  host.classList.add("stepper");
  host.innerHTML = `
    <button type="button" data-step="-1" aria-label="One ${unit.toLowerCase()} back">◀</button>
    <button type="button" class="stepper-play">▶ Play</button>
    <button type="button" data-step="1" aria-label="One ${unit.toLowerCase()} on">▶</button>
    <label>${unit} <input type="range" min="0" value="0"></label>
    <p class="stepper-said" role="status"></p>`;
  const slider = host.querySelector("input"), play = host.querySelector(".stepper-play");
  const said = host.querySelector(".stepper-said");
  slider.ariaLabel = name;
  for (const each of host.querySelectorAll("button, input")) each.dataset.lmSuppressShortcuts = "true"; // JupyterLab's
  let timer = 0;
  const go = (frame) => {
    slider.value = frame;
    said.textContent = slider.ariaValueText = show(Number(slider.value));
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ Play";
  };
  const on = () => {
    if (slider.valueAsNumber === Number(slider.max) || !host.isConnected) return stop();
    go(slider.valueAsNumber + 1);
  };
  play.onclick = () => {
    if (timer) return stop();
    if (slider.value === slider.max) go(0);
    play.textContent = "❚❚ Pause";
    timer = setInterval(on, PLAY_MS);
  };
  slider.oninput = () => {
    stop();
    go(slider.valueAsNumber);
  };
  for (const button of host.querySelectorAll("[data-step]")) {
    button.onclick = () => {
      stop();
      go(slider.valueAsNumber + Number(button.dataset.step));
    };
  }
  return (frame, length) => {
    stop();
    slider.max = length - 1;
    go(frame);
  };
}
