// A worker that answers one question at a time. While it does, only the last of the others waits: a slider asks faster.

export class Thread {
  busy = false;
  waiting = null;

  // `receive` has a function for each kind of message; `failed` is called if the thread does not start.
  constructor(file, receive, failed) {
    Object.assign(this, { file, receive, failed });
  }

  start() {
    this.worker = new Worker(this.file, { type: "module" });
    this.worker.onmessage = ({ data }) => (data.kind === "answered" ? this.answered() : this.receive[data.kind](data));
    this.worker.onerror = this.failed;
  }

  tell(message, ...transferred) {
    this.worker.postMessage(message, transferred);
  }

  ask(message) {
    if (this.busy) return void (this.waiting = message);
    this.busy = true;
    this.tell({ ...message, asked: true });
  }

  // For a question that the one that waits will raise again.
  askUnlessOneWaits(message) {
    if (!this.waiting) this.ask(message);
  }

  answered() {
    this.busy = false;
    const next = this.waiting;
    this.waiting = null;
    if (next) this.ask(next);
  }

  end() {
    this.worker.terminate();
  }
}
