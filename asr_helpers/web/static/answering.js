// What the page's workers have in common: each kind of message has a function in `answers`.

// Answers every message; what goes wrong is said on the page.
export function answerWith(answers) {
  onmessage = async ({ data }) => {
    await guarded(() => answers[data.kind](data));
    if (data.asked) postMessage({ kind: "answered" });
  };
}

export async function guarded(work) {
  try {
    await work();
  } catch (error) {
    postMessage({ kind: "error", message: error.message });
  }
}
