// The event handler of a word player, inlined as its onclick attribute: `this` is the player's outer <div>, `event` a
// click in it, or the "play" event that its <audio> hands on.

const sound = this.querySelector("audio");
const words = [...this.querySelectorAll("button")];

// Plays from the word's start; follow() stops at its end.
function play(word) {
  sound.currentTime = Number(word.dataset.start);
  sound.until = Number(word.dataset.end);
  sound.only = word;
  sound.play();
}

function frame(heard) {
  for (const word of words) {
    word.style.outline = word === heard ? "3px solid #d55e00" : "";
    word.ariaCurrent = word === heard ? "true" : null;
  }
}

// Checks the clock at each drawn frame: the browser's own "pause at this time" is too coarse for a short word. Where two
// words share a margin, the later one is framed, unless the other was clicked.
function follow() {
  const time = sound.currentTime;
  if (sound.only && time >= sound.until) sound.pause();
  if (sound.paused) {
    sound.only = null;
    frame(null);
    return;
  }
  const heard = words.filter((word) => word.dataset.start <= time && time < word.dataset.end).pop();
  frame(sound.only || heard || null);
  requestAnimationFrame(follow);
}

if (event.type === "play") {
  follow();
} else {
  const word = event.target.closest("button");
  if (word) play(word);
}
