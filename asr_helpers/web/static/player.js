// Plays samples, and knows where it is: an <audio> element tells the time too seldom for a playhead.
export class Player {
  playing = false;
  stopped = 0; // where it stands while it does not play, in seconds
  hearsClean = false;

  // `clean` is the same sound before it was changed, or null. It may be longer or shorter: all times are of `samples`.
  load(samples, rate, clean = null) {
    this.pause();
    this.stopped = 0;
    Object.assign(this, { samples, rate, clean });
    this.hearsClean &&= Boolean(clean);
  }

  play(from, start, end, loop) {
    this.pause();
    this.context ??= new AudioContext();
    this.context.resume();
    const heard = this.hearsClean ? this.clean : this.samples, pace = heard.length / this.samples.length;
    const buffer = this.context.createBuffer(1, heard.length, this.rate);
    buffer.copyToChannel(heard, 0);
    const loopStart = pace * start, loopEnd = pace * end;
    this.source = new AudioBufferSourceNode(this.context, { buffer, loop, loopStart, loopEnd });
    this.source.connect(this.context.destination);
    this.source.onended = () => this.pause(start);
    Object.assign(this, { from, start, end, loop, pace, playing: true, began: this.context.currentTime });
    this.source.start(0, pace * from, loop ? undefined : pace * (end - from));
  }

  pause(at = this.time) {
    this.stopped = at;
    this.playing = false;
    if (this.source) this.source.onended = null;
    this.source?.stop();
    this.source = null;
  }

  get time() {
    if (!this.playing) return this.stopped;
    const time = this.from + (this.context.currentTime - this.began) / this.pace;
    if (time < this.end) return time;
    return this.loop ? this.start + ((time - this.start) % (this.end - this.start)) : this.end;
  }

  set time(seconds) {
    this.stopped = seconds;
  }
}
